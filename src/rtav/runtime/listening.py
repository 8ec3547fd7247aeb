"""The microphone's way: packets, samples, speech probabilities, utterances for the recogniser."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import numpy as np

from rtav import metrics
from rtav.core.inputs import FrameHeard, HearingFailed, Input, WordsHeard
from rtav.core.outputs import EndOfSpeech, Listen, Pause, StopListening, Transcribe
from rtav.engines.base import SttEngine, VadEngine
from rtav.errors import EngineError, EngineFailed, EngineTimeout
from rtav.media.denoise import Denoiser
from rtav.media.ingress import Microphone
from rtav.media.pcm import MIC_RATE_HZ, Pcm
from rtav.media.resample import Resampler
from rtav.runtime.streams import EngineStream
from rtav.runtime.utterance import Utterance

logger = logging.getLogger(__name__)

REMEMBERED_S = 3.0
"""Audio that is kept for utterances that begin in the past: padding and the time to be sure."""


class Listening:
    """One call's ear. Everything but `transcribe` returns at once, and belongs to the loop."""

    def __init__(
        self,
        *,
        vad: VadEngine,
        stt: SttEngine,
        caller: str,
        tell: Callable[[Input], None],
        noise_level: Callable[[], int] = lambda: 0,
    ) -> None:
        """`noise_level` is how strongly noise is suppressed now, as `Denoiser` counts it."""
        self._microphone = Microphone()
        self._denoiser, self._noise_level = Denoiser(), noise_level
        self._vad = vad.open()
        self._frame_samples = vad.frame_samples
        self._stt = stt
        self._caller = caller
        self._tell = tell
        self._frames = 0
        self._heard: deque[Pcm] = deque()
        self._heard_until = 0
        self._heard_samples = 0
        self._utterances: dict[str, Utterance] = {}
        self._apart: dict[str, Utterance] = {}
        """Those whose sound did not come by the microphone."""
        self._resampler: Resampler | None = None
        self._appended_hz = 0

    @property
    def heard_s(self) -> float:
        """Seconds of sound that came from the client."""
        return self._heard_until / MIC_RATE_HZ

    # --- from the peer -----------------------------------------------------------------------

    def packet(self, sequence: int, rtp_time: int, payload: bytes, now: float) -> None:
        self._microphone.push(sequence, rtp_time, payload, now)

    def pull(self, now: float) -> None:
        """Take what is due from the jitter buffer; about every 20 ms."""
        self._hear(self._microphone.pull(now))

    def append(self, pcm: Pcm, rate_hz: int) -> None:
        """Hear sound that came in an event: int16 at `rate_hz`."""
        if self._resampler is None or self._appended_hz != rate_hz:
            self._resampler, self._appended_hz = Resampler(rate_hz, MIC_RATE_HZ), rate_hz
        self._hear(self._resampler.push(pcm))

    def settle(self) -> int:
        """Hear all that was appended, to its last sample; returns how long the microphone is now,
        in ms."""
        if self._resampler is not None:
            self._hear(self._resampler.flush())
        self._hear_clean(self._denoiser.flush())
        return self._heard_until * 1000 // MIC_RATE_HZ

    def _hear(self, pcm: Pcm) -> None:
        if pcm.size:
            self._hear_clean(self._denoiser.push(pcm, level=self._noise_level()))

    def _hear_clean(self, pcm: Pcm) -> None:
        if not pcm.size:
            return
        self._heard.append(pcm)
        self._heard_samples += pcm.size
        self._heard_until += pcm.size
        while self._heard_samples - self._heard[0].size > REMEMBERED_S * MIC_RATE_HZ:
            self._heard_samples -= self._heard.popleft().size
        for utterance in self._utterances.values():
            utterance.audio.put_now(pcm)
        for probability in self._vad.push(pcm):
            self._frames += 1
            self._tell(
                FrameHeard(
                    end_ms=self._frames * self._frame_samples * 1000 // MIC_RATE_HZ,
                    length_ms=self._frame_samples * 1000 // MIC_RATE_HZ,
                    probability=probability,
                )
            )

    # --- from the session --------------------------------------------------------------------

    def begin(self, order: Listen) -> None:
        """Begin an utterance with what was said before it was noticed; `transcribe` must follow."""
        said = self._since(order.start_ms * MIC_RATE_HZ // 1000)
        self._utterances[order.utterance] = Utterance(said)

    def begin_apart(self, order: Transcribe) -> Utterance:
        """Begin an utterance that is not the microphone's; `transcribe` must follow."""
        utterance = self._apart[order.utterance] = Utterance(_NOTHING)
        return utterance

    def pause(self, order: Pause) -> None:
        if utterance := self._utterances.get(order.utterance):
            utterance.pause()

    def end(self, order: EndOfSpeech) -> None:
        """The last words are due now; they have failed if the recogniser failed before."""
        if utterance := self._utterances.get(order.utterance):
            utterance.end()
        else:
            self._tell(_failure(order.utterance))

    def stop(self, order: StopListening) -> None:
        """Forget the utterance. The task that transcribes it is the caller's to cancel."""
        self._utterances.pop(order.utterance, None)

    async def transcribe(self, order: Listen | Transcribe) -> None:
        """Recognise one utterance until it ends. Cancel the task that runs this to stop.

        What goes wrong is told to the session.
        """
        utterance = self._utterances.get(order.utterance) or self._apart[order.utterance]
        engine = self._stt.capabilities.name
        try:
            async with utterance.patience():
                await self._recognise(order, utterance)
            if not utterance.is_settled:
                raise EngineFailed(engine, "gave up before the last words")
        except TimeoutError:
            self._failed(order, EngineTimeout(engine, "the final words did not come in time"))
        except EngineError as error:
            self._failed(order, error)
        finally:
            self._utterances.pop(order.utterance, None)
            self._apart.pop(order.utterance, None)
            if dropped := utterance.audio.dropped:
                metrics.media_dropped_total.labels(queue="utterance").inc(dropped)

    def close(self) -> None:
        """The call is over and nothing is transcribed any more."""
        counts = self._microphone.counts
        metrics.media_dropped_total.labels(queue="microphone").inc(counts.late + counts.flooding)
        self._stt.forget(self._caller)

    # --- pieces ------------------------------------------------------------------------------

    async def _recognise(self, order: Listen | Transcribe, utterance: Utterance) -> None:
        hypotheses = EngineStream(
            self._stt.transcribe(
                utterance.audio,
                caller=self._caller,
                language=order.language,
                prompt=order.prompt,
            ),
            engine=self._stt.capabilities.name,
        )
        async with hypotheses:
            async for hypothesis in hypotheses:
                if hypothesis.is_final and (took_s := utterance.paid()) is not None:
                    metrics.stt_final_seconds.observe(took_s)
                self._tell(
                    WordsHeard(
                        utterance=order.utterance,
                        text=hypothesis.text,
                        is_final=hypothesis.is_final,
                    )
                )

    def _failed(self, order: Listen | Transcribe, error: EngineError) -> None:
        logger.warning("speech recognition failed: %s", error)
        metrics.engine_failures_total.labels(
            kind="stt", engine=self._stt.capabilities.name, error=type(error).__name__
        ).inc()
        self._tell(_failure(order.utterance))

    def _since(self, position: int) -> Pcm:
        """The remembered audio from a sample of the microphone on."""
        whole = np.concatenate(self._heard) if self._heard else np.zeros(0, np.int16)
        begin = self._heard_until - whole.size
        return whole[max(0, position - begin) :]


def _failure(utterance: str) -> HearingFailed:
    return HearingFailed(utterance=utterance, message="Speech recognition failed.")


_NOTHING: Pcm = np.zeros(0, np.int16)
