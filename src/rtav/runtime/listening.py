"""The microphone's way: packets, samples, speech probabilities, utterances for the recogniser."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable

import numpy as np

from rtav import metrics
from rtav.core.inputs import FrameHeard, HearingFailed, Input, WordsHeard
from rtav.core.outputs import EndOfSpeech, Listen, Pause, StopListening
from rtav.engines import base
from rtav.engines.base import SttEngine, VadEngine
from rtav.errors import EngineError
from rtav.media.ingress import Microphone
from rtav.media.pcm import MIC_RATE_HZ, Pcm
from rtav.runtime.queues import Bounded

logger = logging.getLogger(__name__)

REMEMBERED_S = 3.0
"""Audio that is kept for utterances that begin in the past: padding and the time to be sure."""

QUEUED_PIECES = 3_000
"""A minute of 20 ms pieces: a recogniser that is further behind has failed."""

FINAL_S = 8.0
"""The longest wait for the words of an utterance that is over."""


class Listening:
    """One call's ear. Everything but `transcribe` returns at once."""

    def __init__(
        self,
        *,
        vad: VadEngine,
        stt: SttEngine,
        caller: str,
        tell: Callable[[Input], None],
    ) -> None:
        self._microphone = Microphone()
        self._vad = vad.open()
        self._frame_ms = vad.frame_samples * 1000 // MIC_RATE_HZ
        self._stt = stt
        self._caller = caller
        self._tell = tell
        self._frames = 0
        self._heard: deque[Pcm] = deque()
        self._heard_until = 0
        self._heard_samples = 0
        self._utterances: dict[str, Bounded[Pcm | base.Pause]] = {}

    # --- from the peer -----------------------------------------------------------------------

    def packet(self, sequence: int, rtp_time: int, payload: bytes, now: float) -> None:
        self._microphone.push(sequence, rtp_time, payload, now)

    def pull(self, now: float) -> None:
        """Take what is due from the jitter buffer; about every 20 ms."""
        pcm = self._microphone.pull(now)
        if pcm.size:
            self._hear(pcm)

    def _hear(self, pcm: Pcm) -> None:
        self._heard.append(pcm)
        self._heard_samples += pcm.size
        self._heard_until += pcm.size
        while self._heard_samples - self._heard[0].size > REMEMBERED_S * MIC_RATE_HZ:
            self._heard_samples -= self._heard.popleft().size
        for queue in self._utterances.values():
            queue.put_now(pcm)
        for probability in self._vad.push(pcm):
            self._frames += 1
            self._tell(
                FrameHeard(
                    end_ms=self._frames * self._frame_ms,
                    length_ms=self._frame_ms,
                    probability=probability,
                )
            )

    # --- from the session --------------------------------------------------------------------

    def begin(self, order: Listen) -> None:
        """Open the utterance's queue with what was said before it was noticed."""
        queue: Bounded[Pcm | base.Pause] = Bounded(QUEUED_PIECES, "drop_oldest")
        queue.put_now(self._since(order.start_ms * MIC_RATE_HZ // 1000))
        self._utterances[order.utterance] = queue

    def pause(self, order: Pause) -> None:
        if queue := self._utterances.get(order.utterance):
            queue.put_now(base.Pause())

    def end(self, order: EndOfSpeech | StopListening) -> None:
        if queue := self._utterances.pop(order.utterance, None):
            queue.close()

    async def transcribe(self, order: Listen) -> None:
        """Recognise one utterance until it ends. Cancel the task that runs this to stop."""
        queue = self._utterances[order.utterance]
        final_due = _Deadline(FINAL_S)
        try:
            async with asyncio.timeout(None) as timeout:
                final_due.timeout = timeout
                await self._recognise(order, final_due.watch(queue), final_due)
        except TimeoutError:
            self._failed(order, "the recogniser did not answer in time")
        except EngineError as error:
            self._failed(order, str(error))
        finally:
            self._utterances.pop(order.utterance, None)
            if queue.dropped:
                metrics.media_dropped_total.labels(queue="utterance").inc(queue.dropped)

    def close(self) -> None:
        for queue in self._utterances.values():
            queue.close()
        self._utterances.clear()
        self._stt.forget(self._caller)

    # --- pieces ------------------------------------------------------------------------------

    async def _recognise(
        self, order: Listen, audio: AsyncIterator[Pcm | base.Pause], final_due: _Deadline
    ) -> None:
        hypotheses = self._stt.transcribe(
            audio, caller=self._caller, language=order.language, prompt=order.prompt
        )
        async for hypothesis in hypotheses:
            if hypothesis.is_final:
                final_due.clear()
            self._tell(
                WordsHeard(
                    utterance=order.utterance,
                    text=hypothesis.text,
                    is_final=hypothesis.is_final,
                )
            )

    def _failed(self, order: Listen, message: str) -> None:
        name = self._stt.capabilities.name
        logger.warning("speech recognition failed: %s", message)
        metrics.engine_failures_total.labels(kind="stt", engine=name, error="failed").inc()
        self._tell(HearingFailed(utterance=order.utterance, message="Speech recognition failed."))

    def _since(self, position: int) -> Pcm:
        """The remembered audio from a sample of the microphone on."""
        whole = np.concatenate(self._heard) if self._heard else np.zeros(0, np.int16)
        begin = self._heard_until - whole.size
        return whole[max(0, position - begin) :]


class _Deadline:
    """A final hypothesis is due so long after each pause and after the end of the audio."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.timeout: asyncio.Timeout | None = None

    async def watch(self, audio: Bounded[Pcm | base.Pause]) -> AsyncIterator[Pcm | base.Pause]:
        async for entry in audio:
            if isinstance(entry, base.Pause):
                self._set()
            yield entry
        self._set()

    def clear(self) -> None:
        if self.timeout is not None:
            self.timeout.reschedule(None)

    def _set(self) -> None:
        if self.timeout is not None and self.timeout.when() is None:
            now = asyncio.get_running_loop().time()
            self.timeout.reschedule(now + self._seconds)
