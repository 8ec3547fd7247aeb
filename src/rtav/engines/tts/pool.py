"""The processes a synthesiser runs in, and the lease of one of them for one sentence."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from rtav.engines.tts.wire import AUDIO, BROKEN, DONE, GIVE_UP, HEADER, READY, TIMES, Request, Times
from rtav.errors import EngineFailed, EngineTimeout, EngineUnavailable

ANSWER_TIMEOUT_S = 5.0  # a sentence takes 0.1 s at most: beyond this the process hangs
SETTLE_TIMEOUT_S = 0.5  # a request given up ends within one block, a few milliseconds
EXIT_TIMEOUT_S = 1.0  # a process whose stdin has ended leaves at once
PIPE_BYTES = 1 << 20  # half a minute of sound: a process never waits for a reader that is busy

Answer = Times | bytes
"""The times of a sentence, then stretches of its sound (int16)."""


class SpeechProcess:
    """One process, asked for one sentence at a time."""

    def __init__(self, engine: str, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._engine = engine
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._is_answering = False

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None or self._stdout.at_eof()

    async def greet(self, timeout_s: float) -> dict[str, Any]:
        """What the process says about itself. Raises EngineUnavailable if it cannot load."""
        kind, payload = await self._next_frame(timeout_s)
        if kind == BROKEN:
            raise EngineUnavailable(self._engine, payload.decode())
        assert kind == READY
        return dict(json.loads(payload))

    async def say(self, request: Request, timeout_s: float) -> AsyncGenerator[Answer, None]:
        """Ask for one sentence. Closing the iterator gives the request up.

        Raises EngineFailed if the process dies or cannot say it, EngineTimeout if it hangs.
        """
        self._is_answering = True
        self._stdin.write(json.dumps(request).encode() + b"\n")
        try:
            while self._is_answering:
                kind, payload = await self._next_frame(timeout_s)
                self._is_answering = kind not in (DONE, BROKEN)
                if kind == BROKEN:
                    raise EngineFailed(self._engine, payload.decode(), retryable=True)
                if kind == TIMES:
                    yield json.loads(payload)
                elif kind == AUDIO:
                    yield payload
        finally:
            if self._is_answering:
                self._stdin.write(GIVE_UP)

    async def settle(self) -> bool:
        """Pass over what a request given up has left; False if the process is no longer usable."""
        with suppress(EngineFailed, EngineTimeout):
            while self._is_answering:
                kind, _ = await self._next_frame(SETTLE_TIMEOUT_S)
                self._is_answering = kind not in (DONE, BROKEN)
            return not self.has_ended
        return False

    def kill(self) -> None:
        """End the process without asking it; `wait` must follow."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> None:
        """Let the process end, by force after EXIT_TIMEOUT_S, and wait until it is gone."""
        self._stdin.close()
        try:
            async with asyncio.timeout(EXIT_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        finally:
            # Left to itself, asyncio keeps the pipes of a process whose sound nobody read.
            self._process._transport.close()  # type: ignore[attr-defined] # no public name for it

    async def _next_frame(self, timeout_s: float) -> tuple[bytes, bytes]:
        try:
            async with asyncio.timeout(timeout_s):
                kind, size = HEADER.unpack(await self._stdout.readexactly(HEADER.size))
                return kind, await self._stdout.readexactly(size)
        except TimeoutError:
            raise EngineTimeout(self._engine, f"no answer in {timeout_s} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EngineFailed(self._engine, "its process has died", retryable=True) from None


class SpeechPool:
    """A few processes of one module, each leased for a sentence; the dead are replaced.

    Belongs to one event loop. More callers than processes wait their turn.
    """

    def __init__(
        self, engine: str, module: str, *, size: int, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> None:
        self._engine = engine
        self._module = module
        self._size = size
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(size)
        self._idle: list[SpeechProcess] = []
        self._all: set[SpeechProcess] = set()
        self._is_closed = False

    async def start(self) -> dict[str, Any]:
        """Start every process; return what the last one says about itself.

        Raises EngineUnavailable.
        """
        greeting: dict[str, Any] = {}
        try:
            for _ in range(self._size):
                process, greeting = await self._spawn()
                self._idle.append(process)
        except BaseException:
            await self.close()
            raise
        return greeting

    async def close(self) -> None:
        """End every process, leased ones too; what they were saying fails."""
        self._is_closed = True
        while self._all:
            await self._all.pop().end()
        self._idle.clear()

    async def say(self, request: Request) -> AsyncGenerator[Answer, None]:
        """Say one sentence in the next free process. Raises as `SpeechProcess.say`."""
        async with self._free:
            process = await self._lease()
            try:
                async with aclosing(process.say(request, self._timeout_s)) as answers:
                    async for answer in answers:
                        yield answer
            except EngineTimeout:
                process.kill()
                raise
            finally:
                # Behind the others: what it still has to send is there before its turn comes.
                self._idle.append(process)

    async def _lease(self) -> SpeechProcess:
        while self._idle:
            process = self._idle.pop(0)
            if not process.has_ended and await process.settle():
                return process
            self._all.discard(process)
            process.kill()
            await process.end()
        if self._is_closed:
            raise EngineFailed(self._engine, "it is closed")
        process, _ = await self._spawn()
        return process

    async def _spawn(self) -> tuple[SpeechProcess, dict[str, Any]]:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # a library's complaint may quote what was to be said
            limit=PIPE_BYTES,
        )
        process = SpeechProcess(self._engine, child)
        self._all.add(process)
        try:
            return process, await process.greet(self._timeout_s)
        except BaseException:
            self._all.discard(process)
            process.kill()
            await process.end()
            raise
