"""What every synthesiser must do; subclass it and give it an engine.

    class TestMyTts(TtsContract):
        def make(self) -> TtsEngine:
            return MyTts()

Set `has_words` and `has_visemes` to False for an engine that knows no times.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from rtav.engines.base import VISEMES, Speech, TtsEngine, Viseme, Word
from rtav.errors import ConfigError
from rtav.media.pcm import Pcm

_SENTENCE = "Hello there, I am your avatar."
_AUDIBLE = 300  # int16: about -40 dB
_LEAD_S = 0.03  # engines/base.py promises it
_SLACK_S = 0.02  # a viseme may end this much after the audio
_SLACK_SAMPLES = 320  # noise moves the first audible sample by some milliseconds
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Heard:
    """All that an engine delivered for one text."""

    pcm: Pcm
    visemes: tuple[Viseme, ...]
    words: tuple[Word, ...]


class TtsContract(ABC):
    """Inherit, implement `make`, name the class Test…."""

    has_words = True
    has_visemes = True

    @abstractmethod
    def make(self) -> TtsEngine:
        """A new engine, not started."""

    def test_a_sentence_is_heard_for_about_as_long_as_it_takes_to_say(self) -> None:
        heard, rate_hz = self._hear(_SENTENCE)

        assert heard.pcm.dtype == np.int16
        assert heard.pcm.ndim == 1
        assert 1.0 < len(heard.pcm) / rate_hz < 4.0
        assert np.abs(heard.pcm.astype(int)).max() > 2000

    def test_speech_begins_at_once(self) -> None:
        for text in ("Sure.", "Peter, stop!", "Why?"):
            heard, rate_hz = self._hear(text)

            first_sound = np.flatnonzero(np.abs(heard.pcm.astype(int)) > _AUDIBLE)[0]
            assert first_sound / rate_hz <= _LEAD_S

    def test_silence_after_the_last_word_is_short(self) -> None:
        heard, rate_hz = self._hear(_SENTENCE)

        last_sound = np.flatnonzero(np.abs(heard.pcm.astype(int)) > _AUDIBLE)[-1]
        assert (len(heard.pcm) - last_sound) / rate_hz < 0.25

    def test_visemes_are_in_order_and_within_the_audio(self) -> None:
        if not self.has_visemes:
            pytest.skip("this engine knows no times of phones")
        heard, rate_hz = self._hear("First this. Then the other thing, for 20 cents.")

        assert len(heard.visemes) > 15
        assert {viseme.name for viseme in heard.visemes} <= set(VISEMES)
        assert all(viseme.start < viseme.end for viseme in heard.visemes)
        for one, next_one in zip(heard.visemes, heard.visemes[1:], strict=False):
            assert one.end <= next_one.start
        assert heard.visemes[0].start >= 0
        assert heard.visemes[-1].end <= len(heard.pcm) + _SLACK_S * rate_hz

    def test_lips_close_while_a_word_is_closed_by_them(self) -> None:
        if not self.has_visemes:
            pytest.skip("this engine knows no times of phones")
        heard, _ = self._hear("Mama.")

        assert [viseme.name for viseme in heard.visemes].count("PP") == 2

    @pytest.mark.parametrize(
        "text",
        [
            _SENTENCE,
            "  It costs $23.50,  at 8 p.m.\n- **sharp** 😀 — on 4/7/2026! ",
            "… 😀 Well… “so what” ?! 😀\n\n",
        ],
    )
    def test_the_words_concatenate_to_the_text(self, text: str) -> None:
        if not self.has_words:
            pytest.skip("this engine knows no times of words")
        heard, rate_hz = self._hear(text)

        assert "".join(word.text for word in heard.words) == text
        assert all(0 <= word.start <= word.end for word in heard.words)
        for one, next_one in zip(heard.words, heard.words[1:], strict=False):
            assert one.end <= next_one.start
        assert heard.words[-1].end <= len(heard.pcm) + _SLACK_S * rate_hz

    def test_no_mark_comes_after_its_audio(self) -> None:
        async def scenario(engine: TtsEngine) -> None:
            delivered = 0
            text = "This is the first sentence of two. This is the second one."
            async for speech in engine.speak(text, voice=engine.voices()[0].id):
                marks: tuple[Viseme | Word, ...] = (*speech.visemes, *speech.words)
                assert all(mark.start >= delivered for mark in marks)
                delivered += len(speech.pcm)

        self._run(scenario)

    @pytest.mark.parametrize("text", ["", "   ", "...", "?!", "—", "😀", "**", "\n\n"])
    def test_text_without_a_sound_yields_nothing(self, text: str) -> None:
        heard, _ = self._hear(text)

        assert len(heard.pcm) == 0
        assert heard.words == ()

    @pytest.mark.parametrize(
        "text",
        [
            "naïve café — “Zoë’s” résumé… €5 & 50 %",
            "x\x00y \ud800 \u202e \ufeff ok",
            "a 👩‍👩‍👧‍👦 b 🇩🇪 c",
            "<speak>hi</speak> [[h@'loU]] {x} `code_here()`",
            "-option --voice=x ; rm $(x) | \\ % %s %n",
            "w" * 500,
        ],
    )
    def test_odd_text_is_said_somehow(self, text: str) -> None:
        heard, _ = self._hear(text)

        assert len(heard.pcm) > 0
        if self.has_words:
            assert "".join(word.text for word in heard.words) == text

    def test_a_long_text_is_said_from_its_beginning_without_waiting_for_its_end(self) -> None:
        text = "It was a long story, and nobody knew the end. " * 220  # 10 kB

        async def scenario(engine: TtsEngine) -> None:
            stream = engine.speak(text, voice=engine.voices()[0].id)
            assert len((await anext(stream)).pcm) < 20 * engine.rate_hz
            await _closed(stream)

        self._run(scenario)

    def test_slow_speech_takes_longer_than_fast_speech(self) -> None:
        async def scenario(engine: TtsEngine) -> list[int]:
            return [len((await hear(engine, _SENTENCE, speed=speed)).pcm) for speed in (0.7, 1.4)]

        slow, fast = self._run(scenario)
        assert slow > 1.4 * fast

    def test_every_voice_can_be_heard_and_the_first_is_the_default(self) -> None:
        async def scenario(engine: TtsEngine) -> None:
            voices = engine.voices()
            assert len({voice.id for voice in voices}) == len(voices)
            for voice in voices[:8]:
                assert len((await hear(engine, "Two.", voice=voice.id)).pcm) > 0

        self._run(scenario)

    def test_two_callers_at_once_hear_their_own_sentences(self) -> None:
        async def scenario(engine: TtsEngine) -> None:
            texts = [f"I am caller number {number}." for number in range(4)]
            alone = [await hear(engine, text) for text in texts]
            together = await asyncio.gather(*(hear(engine, text) for text in texts))
            for one, other in zip(alone, together, strict=True):
                assert _sound_alike(one, other)

        self._run(scenario)

    def test_a_caller_who_stops_listening_disturbs_nobody(self) -> None:
        async def scenario(engine: TtsEngine) -> None:
            expected = await hear(engine, _SENTENCE)
            for _ in range(6):
                stream = engine.speak("One, two, three, four. " * 9, voice=engine.voices()[0].id)
                await anext(stream)
                await _closed(stream)
                assert _sound_alike(await hear(engine, _SENTENCE), expected)

        self._run(scenario)

    def test_close_leaves_no_process_even_in_the_middle_of_a_sentence(self) -> None:
        before = _children()

        async def scenario(engine: TtsEngine) -> None:
            stream = engine.speak(_SENTENCE * 5, voice=engine.voices()[0].id)
            await anext(stream)
            await engine.close()
            await engine.close()
            await _closed(stream)

        self._run(scenario)
        assert _children() <= before

    def test_an_unknown_option_is_the_operators_error(self) -> None:
        engine: Callable[..., object] = type(self.make())

        with pytest.raises(ConfigError, match="no_such_option"):
            engine(no_such_option=1)

    def _hear(self, text: str) -> tuple[Heard, int]:
        async def scenario(engine: TtsEngine) -> tuple[Heard, int]:
            return await hear(engine, text), engine.rate_hz

        return self._run(scenario)

    def _run(self, scenario: Callable[[TtsEngine], Awaitable[_T]]) -> _T:
        async def main() -> _T:
            engine = self.make()
            await engine.start()
            try:
                return await scenario(engine)
            finally:
                await engine.close()

        return asyncio.run(main())


async def hear(
    engine: TtsEngine, text: str, *, voice: str | None = None, speed: float = 1.0
) -> Heard:
    """All of one text, in the default voice if none is named."""
    stream = engine.speak(text, voice=voice or engine.voices()[0].id, speed=speed)
    stretches = [speech async for speech in stream]
    return Heard(
        pcm=np.concatenate([np.zeros(0, np.int16), *(speech.pcm for speech in stretches)]),
        visemes=tuple(viseme for speech in stretches for viseme in speech.visemes),
        words=tuple(word for speech in stretches for word in speech.words),
    )


async def _closed(stream: AsyncIterator[Speech]) -> None:
    """Stop listening, as the runtime does at an interruption."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()


def _sound_alike(one: Heard, other: Heard) -> bool:
    """The same words and sounds, for as long but for a few samples: voices have noise in them."""
    return (
        abs(len(one.pcm) - len(other.pcm)) < _SLACK_SAMPLES
        and [word.text for word in one.words] == [word.text for word in other.words]
        and [viseme.name for viseme in one.visemes] == [viseme.name for viseme in other.visemes]
    )


def _children() -> set[int]:
    """The ids of this process's children, dead ones not waited for included (Linux only)."""
    found = set()
    for task in Path("/proc/self/task").glob("*/children"):
        found |= {int(child) for child in task.read_text().split()}
    return found
