"""One upload, made into an asset in a process of its own: `python -m rtav.server.uploads.worker`.

Strangers' pictures, sounds and archives are decoded here and nowhere else. The process may use so
much memory and time and no more; what it breaks is its own.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtav.errors import ProtocolError

MEMORY_BYTES = 2 << 30  # libraries alone map half of it
CPU_S = 60
FILE_BYTES = 256 << 20  # nothing that is kept is a tenth as large
NICE = 10  # calls go first


def main() -> None:
    """Read one task from stdin, as JSON; write what came of it to stdout, as JSON."""
    task = json.load(sys.stdin)
    confine()
    json.dump(carried_out(task), sys.stdout)


def carried_out(task: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """`facts` of the asset that was made in the task's folder, or `refused` and why."""
    upload = Path(task["upload"]).read_bytes()
    prepare = getattr(importlib.import_module(task["module"]), task["function"])
    folder = Path(task["folder"])
    try:
        facts = prepare(upload, folder, task["wish"])
        for path in folder.iterdir():  # on the disk before anything says that it is there
            with path.open("rb") as written:
                os.fsync(written.fileno())
        return {"facts": facts}
    except ProtocolError as error:
        return {
            "refused": {"message": error.message, "code": error.code, "param": error.param},
        }


def confine() -> None:
    """Take away from this process what an upload needs not."""
    if platform.system() != "Linux":  # elsewhere the time that its owner waits is the only limit
        return
    import resource  # noqa: PLC0415 - does not exist on every system

    os.nice(NICE)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
