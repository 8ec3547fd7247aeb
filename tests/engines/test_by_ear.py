"""The lips of voices without phone times, by speech whose phone times are known."""

import asyncio
from contextlib import aclosing

import numpy as np
import pytest
import soxr

from rtav.engines.base import VISEMES, TtsEngine, Viseme
from rtav.engines.by_ear import ByEar, our_table
from rtav.engines.tts.choice import best_available
from rtav.engines.tts.espeak import EspeakTts
from rtav.engines.tts.flite import FliteTts

RATE_HZ = 16_000
SENTENCES = (  # of no documentation: the table has never heard them
    "My mother put the baby by the piano and made room for more people.",
    "Once upon a time a small robot lived by the open sea.",
    "Above the harbour a balloon was blown far away by the morning wind.",
    "She would rather have a cup of tea than coffee, would you not?",
)
ENGINES = [
    pytest.param(lambda: EspeakTts(processes=1), 0.68, 0.9, id="espeak"),
    pytest.param(
        lambda: FliteTts(processes=1),
        0.55,
        0.55,
        id="flite",
        marks=pytest.mark.skipif(best_available() != "flite", reason="flite is not installed"),
    ),
]


async def spoken(engine: TtsEngine) -> list[tuple[np.ndarray, list[Viseme]]]:
    await engine.start()
    said = []
    try:
        for sentence in SENTENCES:
            async with aclosing(engine.speak(sentence, voice="default")) as stretches:
                speech = [stretch async for stretch in stretches]
            pcm = np.concatenate([stretch.pcm for stretch in speech])
            said.append((pcm, [viseme for stretch in speech for viseme in stretch.visemes]))
    finally:
        await engine.close()
    return said


def frames(visemes: list[Viseme], count: int, rate_hz: int) -> np.ndarray:
    names = np.zeros(count, int)
    for v in visemes:
        first, last = (round(at * 100 / rate_hz) for at in (v.start, v.end))
        names[first:last] = VISEMES.index(v.name)
    return names


@pytest.mark.parametrize(("make", "least_right", "least_closed"), ENGINES)
def test_new_sentences_are_read_off_their_sound(make, least_right, least_closed) -> None:
    engine = make()
    right, bilabials, closed = [], 0, 0
    for pcm, known in asyncio.run(spoken(engine)):
        ear = ByEar(RATE_HZ, our_table())
        sound = np.asarray(soxr.resample(pcm, engine.rate_hz, RATE_HZ), np.int16)
        guessed = [*ear.push(sound), *ear.flush()]
        count = len(sound) // 160
        wanted = frames(known, count, engine.rate_hz)
        seen = frames(guessed, count, RATE_HZ)
        right += list(wanted == seen)
        for v in known:
            if v.name == "PP":
                bilabials += 1
                near = slice(v.start * 100 // engine.rate_hz - 2, v.end * 100 // engine.rate_hz + 3)
                closed += VISEMES.index("PP") in seen[near]
    assert np.mean(right) >= least_right
    assert bilabials >= 12
    assert closed / bilabials >= least_closed
