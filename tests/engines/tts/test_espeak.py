from rtav.engines.base import TtsEngine
from rtav.engines.tts.espeak import EspeakTts
from rtav.testing.contracts.tts import TtsContract


class TestEspeak(TtsContract):
    def make(self) -> TtsEngine:
        return EspeakTts()
