"""What every recogniser must do; subclass it and give it an engine.

    class TestMyStt(SttContract):
        def make(self) -> SttEngine:
            return MyStt()

The sentences are easy ones and the voice is synthetic: this is about behaviour, not about quality.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

import pytest

from rtav.engines.base import Hypothesis, Pause, SttEngine
from rtav.errors import ConfigError
from rtav.media.pcm import Pcm
from rtav.testing.voices import say, silence

_CHUNK_SAMPLES = 320  # 20 ms, as the microphone's packets bring them
_T = TypeVar("_T")
_GAP_S = 0.15  # the silence after which the runtime asks for a final hypothesis


class SttContract(ABC):
    """Inherit, implement `make`, name the class Test…."""

    @abstractmethod
    def make(self) -> SttEngine:
        """A new engine, not started."""

    def test_a_question_is_understood(self) -> None:
        heard = self._hear(say("What can you do?"), silence(_GAP_S))

        assert _words(heard[-1].text) == "what can you do"
        assert heard[-1].is_final

    def test_partial_hypotheses_come_while_the_caller_speaks(self) -> None:
        async def scenario(engine: SttEngine) -> list[Hypothesis]:
            audio = stream(say("I would like a cup of coffee and a piece of cake."), pace_s=0.02)
            return [hypothesis async for hypothesis in engine.transcribe(audio, caller="a")]

        *partials, final = self._run(scenario)

        assert len(partials) >= 2
        assert not any(partial.is_final for partial in partials)
        assert len(partials[0].text) < len(final.text)

    def test_the_end_of_the_audio_gives_exactly_one_final_hypothesis(self) -> None:
        heard = self._hear(say("What time is it?"))

        assert [hypothesis.is_final for hypothesis in heard].count(True) == 1
        assert heard[-1].is_final

    def test_silence_is_a_final_hypothesis_without_words(self) -> None:
        heard = self._hear(silence(1))

        assert heard[-1] == Hypothesis(text="", is_final=True)

    def test_no_audio_at_all_is_a_final_hypothesis_without_words(self) -> None:
        assert self._hear() == [Hypothesis(text="", is_final=True)]

    def test_a_pause_asks_for_a_final_hypothesis_and_so_does_the_end(self) -> None:
        heard = self._hear(say("What can you do?"), silence(_GAP_S), Pause())

        finals = [hypothesis.text for hypothesis in heard if hypothesis.is_final]
        assert [_words(text) for text in finals] == ["what can you do", "what can you do"]

    def test_a_caller_who_goes_on_after_a_pause_continues_the_utterance(self) -> None:
        heard = self._hear(
            say("What can you do?"),
            silence(_GAP_S),
            Pause(),
            say("What time is it?"),
            silence(_GAP_S),
            Pause(),
        )

        finals = [_words(hypothesis.text) for hypothesis in heard if hypothesis.is_final]
        both = "what can you do what time is it"
        assert finals == ["what can you do", both, both]

    def test_callers_at_the_same_time_are_told_apart(self) -> None:
        async def scenario(engine: SttEngine) -> list[str]:
            heard = await asyncio.gather(
                _final(engine, say("What time is it?"), caller="a"),
                _final(engine, say("I would like a cup of coffee."), caller="b"),
                _final(engine, say("What can you do?"), caller="c"),
            )
            return [_words(text) for text in heard]

        assert self._run(scenario) == [
            "what time is it",
            "i would like a cup of coffee",
            "what can you do",
        ]

    def test_closing_the_iterator_makes_room_for_others(self) -> None:
        async def scenario(engine: SttEngine) -> str:
            for number in range(12):
                never = _endless(say("What can you do?"))
                async with aclosing(_transcribe(engine, never, str(number))) as hypotheses:
                    await anext(hypotheses)
                engine.forget(str(number))
            return await _final(engine, say("What time is it?"), caller="last")

        assert _words(self._run(scenario)) == "what time is it"

    def test_closing_twice_is_harmless(self) -> None:
        async def scenario(engine: SttEngine) -> None:
            await engine.close()

        self._run(scenario)

    def test_an_unknown_option_is_the_operators_error(self) -> None:
        engine: Callable[..., object] = type(self.make())

        with pytest.raises(ConfigError, match="no_such_option"):
            engine(no_such_option=1)

    def _hear(self, *parts: Pcm | Pause) -> list[Hypothesis]:
        async def scenario(engine: SttEngine) -> list[Hypothesis]:
            return await hear(engine, *parts)

        return self._run(scenario)

    def _run(self, scenario: Callable[[SttEngine], Awaitable[_T]]) -> _T:
        async def main() -> _T:
            engine = self.make()
            await engine.start()
            try:
                return await scenario(engine)
            finally:
                await engine.close()

        return asyncio.run(main())


async def stream(*parts: Pcm | Pause, pace_s: float = 0.002) -> AsyncIterator[Pcm | Pause]:
    """The parts as a microphone's packets of 20 ms, one every `pace_s`: faster than real time."""
    for part in parts:
        if isinstance(part, Pause):
            yield part
            continue
        for start in range(0, len(part), _CHUNK_SAMPLES):
            yield part[start : start + _CHUNK_SAMPLES]
            await asyncio.sleep(pace_s)


async def hear(engine: SttEngine, *parts: Pcm | Pause, caller: str = "a") -> list[Hypothesis]:
    """One utterance: every hypothesis the engine has about it."""
    return [hypothesis async for hypothesis in engine.transcribe(stream(*parts), caller=caller)]


async def _final(engine: SttEngine, *parts: Pcm | Pause, caller: str) -> str:
    return (await hear(engine, *parts, silence(_GAP_S), caller=caller))[-1].text


async def _endless(pcm: Pcm) -> AsyncIterator[Pcm | Pause]:
    while True:
        async for piece in stream(pcm):
            yield piece


async def _transcribe(
    engine: SttEngine, audio: AsyncIterator[Pcm | Pause], caller: str
) -> AsyncGenerator[Hypothesis, None]:
    hypotheses = engine.transcribe(audio, caller=caller)
    assert isinstance(hypotheses, AsyncGenerator)
    async with aclosing(hypotheses):
        async for hypothesis in hypotheses:
            yield hypothesis


def _words(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha() or letter in " '")
