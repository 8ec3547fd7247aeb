import asyncio

import pytest

from rtav.engines.base import TtsEngine
from rtav.engines.tts.espeak import EspeakTts
from rtav.errors import ConfigError
from rtav.testing.contracts.tts import Heard, TtsContract, hear


class TestEspeak(TtsContract):
    def make(self) -> TtsEngine:
        return EspeakTts()


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("de", "Schöne Grüße, liebes Mädchen! Wie geht’s?"),
        ("fr", "Ça va très bien, merci beaucoup."),
        ("es", "¿Qué tal? ¡Muy bien!"),
        ("it", "Perché no? È così."),
        ("pt", "Não há pão."),
        ("nl", "Goedemorgen, hoe gaat het?"),
        ("pl", "Cześć, jak się masz?"),
        ("ru", "Привет, как дела?"),
        ("cmn", "你好。我很好。"),
    ],
)
def test_other_languages_keep_their_letters(voice: str, text: str) -> None:
    heard = _heard(text, voice=voice)

    assert len(heard.pcm) > 22_050 / 2
    assert len({viseme.name for viseme in heard.visemes}) > 3
    assert "".join(word.text for word in heard.words) == text


def test_every_voice_speaks() -> None:
    async def main() -> None:
        engine = EspeakTts()
        await engine.start()
        try:
            assert len(engine.voices()) > 100
            for voice in engine.voices():
                # Cherokee and Chuvash know no digits.
                said = [await hear(engine, text, voice=voice.id) for text in ("2 3", "osiyo")]
                assert any(len(heard.pcm) for heard in said), voice
        finally:
            await engine.close()

    asyncio.run(main())


@pytest.mark.parametrize("text", ["Yes. .'---X.Y.Z\n", ".'---X.Y.Z\nYes.", ".'---X.Y.Z\n"])
def test_words_the_library_gives_no_time_still_belong_to_the_text(text: str) -> None:
    heard = _heard(text, voice="default")

    assert "".join(word.text for word in heard.words) == text


def test_words_of_german_are_timed_one_by_one() -> None:
    words = [word.text for word in _heard("Schöne Grüße, liebes Mädchen!", voice="de").words]

    assert words == ["Schöne ", "Grüße, ", "liebes ", "Mädchen!"]


def test_an_unknown_voice_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        _heard("Hello.", voice="nobody")


def test_no_processes_at_all_is_the_operators_error() -> None:
    with pytest.raises(ConfigError, match="processes"):
        EspeakTts(processes=0)


def _heard(text: str, *, voice: str) -> Heard:
    async def main() -> Heard:
        engine = EspeakTts(processes=1)
        await engine.start()
        try:
            return await hear(engine, text, voice=voice)
        finally:
            await engine.close()

    return asyncio.run(main())
