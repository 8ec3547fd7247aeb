"""Speech to text without a download: PocketSphinx, in processes of its own."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from typing import Literal

from rtav.engines.base import Capabilities, Hypothesis, Pause
from rtav.engines.stt.readable import readable
from rtav.engines.stt.sphinx_pool import Recogniser, Slots, SphinxPool
from rtav.engines.stt.sphinx_wire import Kind, Message
from rtav.errors import ConfigError, EngineFailed, EngineTimeout
from rtav.media.pcm import MIC_RATE_HZ, Pcm

_NOTHING = Hypothesis(text="", is_final=True)

_NAME = "pocketsphinx"
_WORKERS_PER_CORE = 2  # each takes 0.17 of a core, 0.3 in noise; voices and faces need the rest
_ANSWER_S = 5.0  # a recogniser at work says something for every 100 ms of audio
_WAIT_S = 60.0  # for a free recogniser, at the end of what was said
_BEHIND_BYTES = 60 * 2 * MIC_RATE_HZ  # audio kept for a recogniser that does not keep up


class PocketsphinxStt:
    """English, close microphone, honest about it: some words of a sentence will be wrong.

    `workers` is how many callers are recognised at the same moment: two per core unless said.
    `second_pass` corrects a third of the final hypothesis' errors, 50 ms later; `denoise`
    costs next to nothing and helps in noise.
    `domain="demo"` listens for what the demo agent understands, beside everything else. A
    recogniser that says nothing for `answer_s` is given up.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        denoise: bool = True,
        second_pass: bool = True,
        domain: Literal["demo"] | None = None,
        answer_s: float = _ANSWER_S,
        **unknown: object,
    ) -> None:
        if unknown:
            raise ConfigError(
                f"stt.{_NAME}.{next(iter(unknown))}",
                "no such option; there are workers, denoise, second_pass, domain and answer_s",
            )
        if domain not in (None, "demo"):
            raise ConfigError(f"stt.{_NAME}.domain", "must be demo, or not be there")
        if workers is None:
            workers = _WORKERS_PER_CORE * (os.cpu_count() or 1)
        if workers < 1:
            raise ConfigError(f"stt.{_NAME}.workers", "must be 1 or more")
        self._slots = Slots(workers)
        self._pool = SphinxPool(denoise=denoise, second_pass=second_pass, domain=domain)
        self._answer_s = answer_s
        self._means: dict[str, str] = {}

    capabilities = Capabilities(
        name=_NAME,
        runs_in="process",
        description="PocketSphinx: English commands and short sentences, on the CPU, no download",
    )

    @property
    def waited(self) -> int:
        """How many utterances had to wait for a recogniser, since the start."""
        return self._slots.waited

    async def start(self) -> None:
        await self._pool.start()

    async def close(self) -> None:
        self._pool.close()

    def forget(self, caller: str) -> None:
        self._means.pop(caller, None)

    async def transcribe(
        self,
        audio: AsyncIterator[Pcm | Pause],
        *,
        caller: str,
        language: str | None = None,
        prompt: str | None = None,
    ) -> AsyncIterator[Hypothesis]:
        if language is not None and not language.lower().startswith("en"):
            raise EngineFailed(_NAME, f"knows English only, not {language!r}")
        utterance = _Utterance(self._pool, self._slots, mean=self._means.get(caller, ""))
        try:
            async for piece in audio:
                if isinstance(piece, Pause):
                    final = await utterance.final(Kind.PAUSE, self._answer_s)
                    self._means[caller] = utterance.mean
                    yield final
                elif (partial := await utterance.hear(piece)) is not None:
                    yield partial
            final = await utterance.final(Kind.END, self._answer_s)
            self._means[caller] = utterance.mean
            yield final
        except EOFError as error:
            raise EngineFailed(_NAME, "its process was lost", retryable=True) from error
        finally:
            utterance.close()


class _Utterance:
    """One utterance on its way through a recogniser, once there is one."""

    def __init__(self, pool: SphinxPool, slots: Slots, *, mean: str) -> None:
        self.mean = mean
        self._pool = pool
        self._slots = slots
        self._slot = slots.ask()
        self._recogniser: Recogniser | None = None
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._heard = False
        self._partial = ""
        self._final: Hypothesis | None = None  # still true: nothing was heard since

    async def hear(self, pcm: Pcm) -> Hypothesis | None:
        """Pass audio on; return a partial hypothesis if there is news. Never waits for work."""
        self._final = None
        self._heard = True
        self._unsent.append(pcm.tobytes())
        self._unsent_bytes += 2 * len(pcm)
        if self._slot.done():
            await self._send()
        if self._behind_bytes() > _BEHIND_BYTES:
            raise EngineTimeout(_NAME, "is a minute behind the caller", retryable=True)
        return self._news()

    async def final(self, kind: Literal[Kind.PAUSE, Kind.END], answer_s: float) -> Hypothesis:
        """Everything heard so far. Raises EngineTimeout, and EOFError if the process is lost."""
        if self._final is None:
            self._final = await self._ask(kind, answer_s) if self._heard else _NOTHING
        return self._final

    def close(self) -> None:
        """Let the next utterance in. Idempotent."""
        if self._recogniser is not None:
            self._recogniser.end()
        self._slots.give_back(self._slot)

    async def _ask(self, kind: Kind, answer_s: float) -> Hypothesis:
        await self._wait_for_slot()
        recogniser = await self._send()
        recogniser.line.send(kind)
        while True:
            try:
                async with asyncio.timeout(answer_s):
                    message = await recogniser.line.receive()
            except TimeoutError:
                self._give_up(recogniser)
                raise EngineTimeout(_NAME, "did not answer", retryable=True) from None
            if message.kind is Kind.FINAL:
                return self._read_final(message)
            self._read(message)

    async def _wait_for_slot(self) -> None:
        try:
            async with asyncio.timeout(_WAIT_S):
                await asyncio.shield(self._slot)
        except TimeoutError:
            raise EngineTimeout(_NAME, "was busy with other callers", retryable=True) from None

    async def _send(self) -> Recogniser:
        if self._recogniser is None:
            self._recogniser = await self._pool.recogniser()
            self._recogniser.line.send(Kind.BEGIN, self.mean.encode())
        line = self._recogniser.line
        for audio in self._unsent:
            line.send(Kind.AUDIO, audio)
        self._unsent.clear()
        self._unsent_bytes = 0
        return self._recogniser

    def _behind_bytes(self) -> int:
        sent = self._recogniser.line.unsent_bytes if self._recogniser is not None else 0
        return self._unsent_bytes + sent

    def _news(self) -> Hypothesis | None:
        before = self._partial
        if self._recogniser is not None:
            while (message := self._recogniser.line.take()) is not None:
                self._read(message)
        if self._partial == before:
            return None
        return Hypothesis(text=self._partial, is_final=False)

    def _read(self, message: Message) -> None:
        assert self._recogniser is not None
        if message.kind is Kind.READY:
            self._recogniser.pid = int(message.payload)
        elif message.kind is Kind.PARTIAL:
            self._partial = readable(message.payload.decode())

    def _read_final(self, message: Message) -> Hypothesis:
        self.mean, _, words = message.payload.decode().partition("\n")
        self._partial = readable(words)
        return Hypothesis(text=self._partial, is_final=True)

    def _give_up(self, recogniser: Recogniser) -> None:
        if recogniser.pid is None:  # it was never born: its parent is stuck
            self._pool.replace()
