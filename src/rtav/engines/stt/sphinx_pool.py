"""The server's side of the recogniser's processes: starts them, leases them, ends them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from contextlib import suppress
from pathlib import Path

from rtav.engines.stt import demo_lm
from rtav.engines.stt.sphinx_wire import FORK, LOADED, Line
from rtav.errors import EngineFailed, EngineUnavailable

_log = logging.getLogger(__name__)

_LOAD_S = 30.0  # 0.5 s on a free machine
_NAME = "pocketsphinx"


class Slots:
    """How many utterances are recognised at once; the others wait in the order they came."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._held: set[asyncio.Future[None]] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.waited = 0
        """How many had to wait, since the start."""

    def ask(self) -> asyncio.Future[None]:
        """Done as soon as a slot is held. To be given back, held or not."""
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        self._serve()
        if not slot.done():
            self.waited += 1
            _log.warning("all recognisers are busy, %d utterances wait", len(self._waiting))
        return slot

    def give_back(self, slot: asyncio.Future[None]) -> None:
        """Idempotent."""
        self._held.discard(slot)
        with suppress(ValueError):
            self._waiting.remove(slot)
        self._serve()

    def _serve(self) -> None:
        while self._waiting and len(self._held) < self._count:
            slot = self._waiting.popleft()
            self._held.add(slot)
            slot.set_result(None)


class Recogniser:
    """The line to a process that serves one utterance."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.pid: int | None = None
        """None until the process has said so."""

    def end(self) -> None:
        """End the process, at once. Idempotent."""
        # While its line is open it cannot have ended, so the id is still its own.
        if self.pid is not None and self.line.is_open:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.line.close()


class SphinxPool:
    """One process that has loaded the model; it forks a recogniser for each utterance."""

    def __init__(self, *, denoise: bool, second_pass: bool, domain: str | None) -> None:
        self._denoise = denoise
        self._second_pass = second_pass
        self._domain = domain
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._is_closed = False

    async def start(self) -> None:
        """Load the model. Raises EngineUnavailable."""
        if not hasattr(os, "fork"):
            raise EngineUnavailable(_NAME, "needs fork (Linux, macOS): choose another `stt` here")
        with tempfile.TemporaryDirectory(prefix="rtav-") as folder:
            self._control = self._launch(await self._language_model(Path(folder)))
            try:
                async with asyncio.timeout(_LOAD_S):
                    loop = asyncio.get_running_loop()
                    answer = await loop.sock_recv(self._control, len(LOADED))
            except (TimeoutError, ConnectionError):
                answer = b""
        if answer != LOADED:
            self.replace()
            raise EngineUnavailable(
                _NAME, "its model did not load: pip install pocketsphinx webrtc-noise-gain"
            )

    async def _language_model(self, folder: Path) -> str | None:
        """The path of a file made for the domain; it is needed while the process loads."""
        if self._domain is None:
            return None
        path = folder / f"{self._domain}.lm"
        path.write_text(await asyncio.to_thread(demo_lm.arpa), encoding="ascii")
        return str(path)

    def _launch(self, language_model: str | None) -> socket.socket:
        """Start the process; returns this end of its control socket."""
        options = {
            "denoise": self._denoise,
            "second_pass": self._second_pass,
            "language_model": language_model,
        }
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            # Its own session: Ctrl-C in the server's terminal is the server's to handle, and all
            # forks can be ended together.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rtav.engines.stt.sphinx_worker"]
                + [str(theirs.fileno()), json.dumps(options)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        return ours

    def close(self) -> None:
        """End every process, recognisers at work included. Idempotent."""
        self._is_closed = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self.replace()

    def replace(self) -> None:
        """End the loaded process; the next `recogniser` starts another. Recognisers work on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._control is not None:
            self._control.close()
        self._process = self._control = None

    async def recogniser(self) -> Recogniser:
        """A fresh process. Raises EngineFailed."""
        try:
            if not self._is_alive():
                await self._restart()
            return await self._fork()
        except (OSError, EngineUnavailable) as error:
            raise EngineFailed(_NAME, "cannot start a process", retryable=True) from error

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def _restart(self) -> None:
        async with self._starting:
            if self._is_closed:
                raise EngineFailed(_NAME, "is closed")
            if not self._is_alive():
                _log.warning("the recognisers' parent process was lost; starting another")
                self.replace()
                await self.start()

    async def _fork(self) -> Recogniser:
        assert self._control is not None
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [FORK], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        loop = asyncio.get_running_loop()
        _, line = await loop.create_unix_connection(Line, sock=ours)
        return Recogniser(line)
