import pytest

from rtav.engines.base import TtsEngine
from rtav.engines.tts.choice import best_available
from rtav.engines.tts.flite import FliteTts
from rtav.testing.contracts.tts import TtsContract

pytestmark = pytest.mark.skipif(
    best_available() != "flite", reason="flite is not installed on this machine: apt install flite"
)


class TestFlite(TtsContract):
    def make(self) -> TtsEngine:
        return FliteTts()
