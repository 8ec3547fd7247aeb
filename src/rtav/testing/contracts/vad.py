"""What every voice activity detector must do; subclass it and give it an engine.

class TestMyVad(VadContract):
    def make(self) -> VadEngine:
        return MyVad()
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from rtav import clock
from rtav.engines.base import Vad, VadEngine
from rtav.errors import ConfigError
from rtav.media.pcm import MIC_RATE_HZ, Pcm
from rtav.testing.voices import say, silence, with_noise

_PUSH_BUDGET_S = 0.002  # engines/base.py promises it to the event loop
_SENTENCE = "What can you do for me today?"


class VadContract(ABC):
    """Inherit, implement `make`, name the class Test…."""

    @abstractmethod
    def make(self) -> VadEngine:
        """A new engine, not started."""

    def test_speech_is_told_from_silence(self) -> None:
        engine = _started(self.make())
        track = np.concatenate([silence(1), say(_SENTENCE), silence(1)])

        scores = np.array(engine.open().push(track))

        frames_per_s = MIC_RATE_HZ / engine.frame_samples
        before, after = int(frames_per_s), len(scores) - int(frames_per_s)
        assert scores[: before - 1].max() < 0.3
        assert np.mean(scores[before:after] > 0.5) > 0.6
        assert scores[-int(frames_per_s / 2) :].max() < 0.3

    def test_quiet_speech_is_heard_too(self) -> None:
        engine = _started(self.make())

        scores = engine.open().push((say(_SENTENCE) * 0.05).astype(np.int16))

        assert max(scores) > 0.8

    def test_noise_alone_is_no_speech(self) -> None:
        engine = _started(self.make())
        murmur = with_noise(np.full(5 * MIC_RATE_HZ, 300, np.int16), snr_db=0)

        scores = engine.open().push(murmur)

        assert np.mean(np.array(scores) > 0.5) < 0.05

    def test_the_scores_do_not_depend_on_how_the_audio_is_cut(self) -> None:
        engine = _started(self.make())
        speech = say(_SENTENCE)

        whole = engine.open().push(speech)

        assert _in_pieces(engine.open(), speech, 320) == list(whole)
        assert _in_pieces(engine.open(), speech, 999) == list(whole)

    def test_there_is_one_score_for_every_whole_frame(self) -> None:
        engine = _started(self.make())
        vad = engine.open()

        assert len(vad.push(silence(0))) == 0
        assert len(vad.push(np.zeros(engine.frame_samples - 1, np.int16))) == 0
        assert len(vad.push(np.zeros(1, np.int16))) == 1
        assert len(vad.push(np.zeros(3 * engine.frame_samples, np.int16))) == 3

    def test_callers_do_not_disturb_each_other(self) -> None:
        engine = _started(self.make())
        speech = say(_SENTENCE)
        alone = list(engine.open().push(speech))
        first, second = engine.open(), engine.open()
        scores: list[float] = []

        for start in range(0, len(speech), 512):
            scores.extend(first.push(speech[start : start + 512]))
            second.push(silence(0.032))

        assert scores == alone

    def test_four_frames_take_less_than_2_ms(self) -> None:
        engine = _started(self.make())
        vad = engine.open()
        speech = say(_SENTENCE)
        step = 4 * engine.frame_samples
        spent: list[float] = []

        for start in range(0, len(speech) - step, step):
            began = clock.cpu_seconds()
            vad.push(speech[start : start + step])
            spent.append(clock.cpu_seconds() - began)

        assert np.median(spent) < _PUSH_BUDGET_S

    def test_closing_twice_is_harmless(self) -> None:
        engine = _started(self.make())

        async def close_twice() -> None:
            await engine.close()
            await engine.close()

        asyncio.run(close_twice())

    def test_an_unknown_option_is_the_operators_error(self) -> None:
        engine: Callable[..., object] = type(self.make())

        with pytest.raises(ConfigError, match="no_such_option"):
            engine(no_such_option=1)


def _started(engine: VadEngine) -> VadEngine:
    asyncio.run(engine.start())
    return engine


def _in_pieces(vad: Vad, pcm: Pcm, samples: int) -> Sequence[float]:
    pieces = (pcm[start : start + samples] for start in range(0, len(pcm), samples))
    return [score for piece in pieces for score in vad.push(piece)]
