import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from rtav.engines.base import Speech, TtsEngine, Viseme, Voice, Word
from rtav.engines.tts.sample import median_pitch_hz
from rtav.errors import ProtocolError
from rtav.server.uploads.voices import AdoptedVoices
from rtav.testing.contracts.tts import TtsContract
from rtav.testing.engines import Scripted, ScriptedTts

RATE_HZ = 16_000
PITCHES_HZ = {"high": 200.0, "low": 100.0, "deutsch": 120.0}


class TestAdopted(TtsContract):
    def make(self) -> TtsEngine:
        return AdoptedVoices(ScriptedTts())

    # its options are those of the engine inside
    test_an_unknown_option_is_the_operators_error = None


class HummingTts(Scripted):
    """Hums a second at each voice's pitch, at speed 1."""

    rate_hz = RATE_HZ

    def __init__(self) -> None:
        super().__init__("humming")
        self.asked: list[tuple[str, float]] = []
        self.closed_early = 0

    def voices(self) -> list[Voice]:
        return [
            Voice(id=name, name=name, language="de" if name == "deutsch" else "en")
            for name in PITCHES_HZ
        ]

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[Speech]:
        self.asked.append((voice, speed))
        t = np.arange(round(RATE_HZ / speed)) / RATE_HZ
        sound = sum(np.sin(2 * np.pi * PITCHES_HZ[voice] * k * t) / k for k in range(1, 8))
        pcm = (sound * 6000).astype(np.int16)
        half = len(pcm) // 2
        viseme = Viseme(name="aa", start=0, end=len(pcm))
        word = Word(text=text, start=0, end=half)
        try:
            yield Speech(pcm=pcm[:half], visemes=(viseme,), words=(word,))
            yield Speech(pcm=pcm[half:])
        except GeneratorExit:
            self.closed_early += 1
            raise


class CloningTts(HummingTts):
    def __init__(self) -> None:
        super().__init__()
        self.samples: dict[str, Path] = {}

    def adopt_voice(self, voice: str, sample: Path) -> None:
        self.samples[voice] = sample

    def forget_voice(self, voice: str) -> None:
        del self.samples[voice]


def completed(engine, **facts) -> dict:
    return asyncio.run(AdoptedVoices(engine).complete(facts))


def spoken(voices: AdoptedVoices, voice: str, **more) -> list[Speech]:
    async def all_of_it() -> list[Speech]:
        return [each async for each in voices.speak("La", voice=voice, **more)]

    return asyncio.run(all_of_it())


def adopted(**facts) -> AdoptedVoices:
    voices = AdoptedVoices(HummingTts())
    voices.adopt("voice_1", Path("folder"), facts)
    return voices


# --- which voice it becomes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pitch_hz", "base", "pitch"),
    [(210.0, "high", 1.05), (110.0, "low", 1.1), (400.0, "high", 1.35), (60.0, "low", 0.75)],
)
def test_a_sample_is_spoken_by_the_nearest_voice_as_far_as_that_goes(pitch_hz, base, pitch):
    facts = completed(HummingTts(), pitch_hz=pitch_hz)
    assert (facts["base"], facts["rate"]) == (base, 1.0)
    assert facts["pitch"] == pytest.approx(pitch, rel=0.03)
    assert facts["fidelity"] == "approximate"
    assert facts["language"] == "en"


def test_a_sample_has_a_voice_of_its_language():
    assert completed(HummingTts(), pitch_hz=200.0, language="de-DE")["base"] == "deutsch"
    with pytest.raises(ProtocolError, match="no voice of this server speaks 'fr'") as error:
        completed(HummingTts(), pitch_hz=200.0, language="fr")
    assert error.value.param == "language"


def test_each_voice_is_measured_once():
    engine = HummingTts()
    voices = AdoptedVoices(engine)
    for _ in range(2):
        asyncio.run(voices.complete({"pitch_hz": 150.0}))
    assert [voice for voice, _ in engine.asked] == ["high", "low"]


def test_a_described_voice_names_its_base_by_any_name_of_it():
    facts = completed(HummingTts(), base="default", pitch=1.1, rate=0.9)
    assert facts == {
        "base": "high", "pitch": 1.1, "rate": 0.9, "language": "en", "fidelity": "described",
    }  # fmt: skip
    assert completed(HummingTts(), base="alloy", pitch=1.0, rate=1.0)["base"] == "high"
    with pytest.raises(ProtocolError, match="base must be a standard voice"):
        completed(HummingTts(), base="nobody", pitch=1.0, rate=1.0)


# --- how it sounds ----------------------------------------------------------------------------


@pytest.mark.parametrize("pitch", [0.8, 1.0, 1.3])
def test_pitch_changes_and_pace_stays(pitch):
    stretches = spoken(adopted(base="low", pitch=pitch, rate=1.0), "voice_1")
    pcm = np.concatenate([each.pcm for each in stretches])
    assert len(pcm) == pytest.approx(RATE_HZ, rel=0.01)
    assert median_pitch_hz(pcm, RATE_HZ) == pytest.approx(100 * pitch, rel=0.03)
    (viseme,), (word,) = stretches[0].visemes, stretches[0].words
    assert viseme.end == pytest.approx(RATE_HZ, rel=0.01)
    assert word.end == pytest.approx(RATE_HZ / 2, rel=0.01)


def test_rate_and_speed_multiply_within_what_engines_speak_at():
    voices = adopted(base="low", pitch=1.0, rate=1.2)
    spoken(voices, "voice_1", speed=0.5)
    spoken(voices, "voice_1", speed=1.5)
    assert [speed for _, speed in voices._engine.asked] == [pytest.approx(0.6), 1.5]


def test_a_standard_voice_is_spoken_as_it_was():
    voices = adopted(base="low", pitch=1.2, rate=1.0)
    assert [len(each.pcm) for each in spoken(voices, "high")] == [8000, 8000]


def test_giving_up_gives_up_the_engine_as_well():
    voices = adopted(base="low", pitch=1.2, rate=1.0)

    async def first() -> None:
        stream = voices.speak("La", voice="voice_1")
        await anext(stream)
        await stream.aclose()

    asyncio.run(first())
    assert voices._engine.closed_early == 1


def test_a_voice_whose_base_is_gone_is_spoken_by_the_default(caplog):
    voices = adopted(base="gone", pitch=1.0, rate=1.0)
    assert spoken(voices, "voice_1")
    assert voices._engine.asked[-1][0] == "high"
    assert "its own base is gone" in caplog.text


def test_a_forgotten_voice_is_unknown():
    voices = adopted(base="low", pitch=1.0, rate=1.0)
    voices.forget("voice_1")
    voices.forget("voice_1")
    with pytest.raises(KeyError):
        spoken(voices, "voice_1")


# --- engines that clone -----------------------------------------------------------------------


def test_an_engine_that_clones_is_given_the_sample_of_who_consents():
    engine = CloningTts()
    voices = AdoptedVoices(engine)
    facts = asyncio.run(voices.complete({"pitch_hz": 100.0, "consent": "my own voice"}))
    assert facts["fidelity"] == "cloned"
    voices.adopt("voice_1", Path("folder"), facts)
    assert engine.samples == {"voice_1": Path("folder/sample.wav")}
    voices.forget("voice_1")
    assert engine.samples == {}


def test_a_voice_is_not_cloned_without_consent():
    with pytest.raises(ProtocolError) as error:
        completed(CloningTts(), pitch_hz=100.0)
    assert error.value.param == "consent"
    engine = CloningTts()
    voices = AdoptedVoices(engine)
    voices.adopt("voice_1", Path("folder"), {"pitch_hz": 100.0, "base": "low", "pitch": 1.0})
    assert engine.samples == {}
    assert spoken(voices, "voice_1")
