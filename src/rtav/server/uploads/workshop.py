"""Has uploads made into assets, each by a process of its own, a few at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtav.errors import ProtocolError
from rtav.server.storage.records import AssetKind

logger = logging.getLogger(__name__)

LIMIT_S = 60.0
AT_ONCE = 2
_NEEDED = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "LANG", "LC_ALL",
    "SYSTEMROOT", "TEMP",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`function` of `module` makes `folder` (empty) out of the file `upload` and the wish."""

    kind: AssetKind
    module: str
    function: str
    upload: Path
    folder: Path
    wish: Mapping[str, Any]  # Any: JSON


class Workshop:
    """Belongs to one event loop. Tasks beyond `AT_ONCE` wait their turn."""

    def __init__(self, *, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._free = asyncio.Semaphore(AT_ONCE)

    async def make(self, task: Task) -> Mapping[str, Any]:
        """What is to be shown of the asset that was made.

        Raises ProtocolError with the reason why it cannot be made. Cancelled, it leaves no process.
        """
        async with self._free:
            answer = await self._answer(task)
        if "refused" in answer:
            raise ProtocolError(**answer["refused"])
        facts: Mapping[str, Any] = answer["facts"]
        return facts

    async def _answer(self, task: Task) -> Mapping[str, Any]:
        order = {
            "module": task.module,
            "function": task.function,
            "upload": str(task.upload),
            "folder": str(task.folder),
            "wish": dict(task.wish),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "rtav.server.uploads.worker",
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=_surroundings(),
        )
        try:
            async with asyncio.timeout(self._limit_s):
                out, complaint = await process.communicate(json.dumps(order).encode())
        except TimeoutError:
            raise _too_much(task.kind) from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.returncode:
            # Its last line names the error; the file itself is not in it.
            last = complaint.decode(errors="replace").strip().rpartition("\n")[2][:200]
            logger.warning("a %s was not made (exit %s): %s", task.kind, process.returncode, last)
            raise _too_much(task.kind)
        answer: Mapping[str, Any] = json.loads(out)
        return answer


def _surroundings() -> dict[str, str]:
    """What Python needs to start, and no key or password of the server's."""
    kept = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _too_much(kind: AssetKind) -> ProtocolError:
    return ProtocolError(
        "The file is damaged, or needs more memory or time than a file may need",
        code=f"invalid_{kind}",
        param="file",
    )
