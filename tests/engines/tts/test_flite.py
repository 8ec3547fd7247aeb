import asyncio

import pytest

from rtav.engines.base import TtsEngine
from rtav.engines.tts.choice import best_available
from rtav.engines.tts.flite import FliteTts
from rtav.errors import ConfigError
from rtav.testing.contracts.tts import Heard, TtsContract, hear

pytestmark = pytest.mark.skipif(
    best_available() != "flite", reason="flite is not installed on this machine: apt install flite"
)


class TestFlite(TtsContract):
    def make(self) -> TtsEngine:
        return FliteTts()


def test_words_are_heard_when_their_sounds_are() -> None:
    heard = _heard("Hello there, I am your avatar.", voice="slt")

    # From flite's own list of phones (`flite -psdur`), counted from the first one.
    expected_ms = {
        "Hello ": 0,
        "there, ": 359,
        "I ": 752,
        "am ": 921,
        "your ": 1030,
        "avatar.": 1210,
    }
    offset_ms = heard.words[1].start / 16 - 359
    found_ms = {word.text: word.start / 16 - offset_ms for word in heard.words}
    assert found_ms.keys() == expected_ms.keys()
    assert abs(offset_ms) < 30
    for text, start_ms in list(expected_ms.items())[1:]:
        assert found_ms[text] == pytest.approx(start_ms, abs=2)


def test_a_number_lasts_as_long_as_all_that_is_said_for_it() -> None:
    words = {word.text: word for word in _heard("It costs $23.50 today.").words}

    assert words["$23.50 "].end - words["$23.50 "].start > 1.3 * 16_000


def test_the_first_sound_comes_before_the_sentence_is_finished() -> None:
    async def first_stretch(engine: FliteTts) -> int:
        text = "This is a rather long sentence that takes a few seconds to be said"
        stream = engine.speak(text, voice="alice")
        length = len((await anext(stream)).pcm)
        await stream.aclose()
        return length

    async def main() -> int:
        engine = FliteTts(processes=1)
        await engine.start()
        try:
            return await first_stretch(engine)
        finally:
            await engine.close()

    assert asyncio.run(main()) < 16_000 / 2


def test_no_processes_at_all_is_the_operators_error() -> None:
    with pytest.raises(ConfigError, match="processes"):
        FliteTts(processes=0)


def _heard(text: str, *, voice: str = "default") -> Heard:
    async def main() -> Heard:
        engine = FliteTts(processes=1)
        await engine.start()
        try:
            return await hear(engine, text, voice=voice)
        finally:
            await engine.close()

    return asyncio.run(main())
