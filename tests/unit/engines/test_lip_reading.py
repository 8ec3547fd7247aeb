from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np

from rtav.engines.base import Speech, Viseme, Word
from rtav.engines.lip_reading import PIECE_S, with_visemes
from rtav.media.pcm import Pcm
from rtav.testing.voices import say, silence

RATE_HZ = 16_000


def told(*stretches: Speech) -> list[Speech]:
    async def voice() -> AsyncIterator[Speech]:
        for stretch in stretches:
            yield stretch

    async def main() -> list[Speech]:
        return [speech async for speech in with_visemes(voice(), rate_hz=RATE_HZ)]

    return asyncio.run(main())


def pcm_of(speech: Sequence[Speech]) -> Pcm:
    return np.concatenate([one.pcm for one in speech])


def visemes_of(speech: Sequence[Speech]) -> list[Viseme]:
    return [viseme for one in speech for viseme in one.visemes]


def test_a_voice_with_visemes_is_left_alone() -> None:
    first = Speech(pcm=say("Hello."), visemes=(Viseme(name="aa", start=0, end=99),))
    later = Speech(pcm=say("How are you?"))  # its visemes came with the first stretch

    assert told(first, later) == [first, later]


def test_a_voice_without_visemes_is_given_those_that_are_heard() -> None:
    pcm = say("Maybe Bob bought a pump for his mother.")

    speech = told(Speech(pcm=pcm[:5_000]), Speech(pcm=pcm[5_000:]))

    assert np.array_equal(pcm_of(speech), pcm)
    names = [viseme.name for viseme in visemes_of(speech)]
    assert names.count("PP") >= 3
    assert len(set(names)) >= 6


def test_visemes_never_come_after_their_sound() -> None:
    pcm = say("Maybe Bob bought a pump for his mother.")

    position, known = 0, 0
    for speech in told(*(Speech(pcm=pcm[at : at + 700]) for at in range(0, len(pcm), 700))):
        known = max([known, *(viseme.end for viseme in speech.visemes)])
        position += len(speech.pcm)
        assert known >= position or not known  # it begins with silence


def test_sound_is_held_back_for_50_ms_at_most() -> None:
    pcm = say("Maybe Bob bought a pump for his mother.")

    speech = told(Speech(pcm=pcm[:8_000]))

    assert len(speech[0].pcm) >= 8_000 - 0.06 * RATE_HZ
    assert len(pcm_of(speech)) == 8_000


def test_long_stretches_are_understood_a_piece_at_a_time() -> None:
    pcm = np.tile(say("Maybe Bob bought a pump for his mother."), 3)
    words = (Word(text="Maybe ", start=0, end=4_000),)

    speech = told(Speech(pcm=pcm, words=words))

    assert max(len(one.pcm) for one in speech) <= (PIECE_S + 0.06) * RATE_HZ
    assert [one.words for one in speech if one.words] == [words]
    assert speech[0].words == words


def test_a_silence_before_the_first_sound_says_nothing_about_a_voice() -> None:
    quiet = Speech(pcm=silence(0.1))
    known = Speech(pcm=say("Hello."), visemes=(Viseme(name="E", start=1_600, end=3_000),))
    unknown = Speech(pcm=say("Hello."))

    assert told(quiet, known) == [quiet, known]
    heard = visemes_of(told(quiet, unknown))
    assert heard[0].start == 1_600
    assert heard[-1].end == 1_600 + len(unknown.pcm)


def test_words_without_sound_still_come() -> None:
    word = Word(text="…", start=0, end=0)

    speech = told(Speech(pcm=say("Hello.")), Speech(pcm=np.zeros(0, np.int16), words=(word,)))

    assert [one.words for one in speech if one.words] == [(word,)]


def test_closing_the_speech_closes_the_voice() -> None:
    closed = []

    async def voice() -> AsyncIterator[Speech]:
        try:
            while True:
                yield Speech(pcm=say("Hello."))
        finally:
            closed.append(True)

    async def main() -> None:
        speech = with_visemes(voice(), rate_hz=RATE_HZ)
        await anext(speech)
        await speech.aclose()

    asyncio.run(main())
    assert closed == [True]


def test_a_plain_iterator_will_do_for_a_voice() -> None:
    class Voice:
        def __init__(self) -> None:
            self._stretches = iter([Speech(pcm=say("Hello."))])

        def __aiter__(self) -> Voice:
            return self

        async def __anext__(self) -> Speech:
            for stretch in self._stretches:
                return stretch
            raise StopAsyncIteration

    async def main() -> list[Speech]:
        return [speech async for speech in with_visemes(Voice(), rate_hz=RATE_HZ)]

    assert len(visemes_of(asyncio.run(main()))) > 3
