import numpy as np

from rtav.engines.base import Viseme
from rtav.media.pcm import SESSION_RATE_HZ, Pcm
from rtav.runtime.prosody import GAP_S, Prosody

VOWEL = SESSION_RATE_HZ // 10  # 100 ms
STEP = SESSION_RATE_HZ // 4


def spoken(*loudness: float, name: str = "aa") -> tuple[Pcm, list[Viseme]]:
    """A vowel every quarter of a second, and silence between them."""
    pcm = np.zeros(len(loudness) * STEP, np.int16)
    wave = np.sin(np.arange(VOWEL) * 2 * np.pi * 150 / SESSION_RATE_HZ)
    visemes = []
    for i, level in enumerate(loudness):
        pcm[i * STEP : i * STEP + VOWEL] = (10_000 * level * wave).astype(np.int16)
        visemes.append(Viseme(name=name, start=i * STEP, end=i * STEP + VOWEL))
    return pcm, visemes


def test_a_syllable_louder_than_those_before_it_is_a_stress_at_its_middle() -> None:
    accents = Prosody().hear(*spoken(0.5, 0.5, 0.5, 0.9, 0.5))

    assert [accent.at for accent in accents] == [3 * STEP + VOWEL // 2]
    assert 0.35 <= accents[0].strength <= 1.0


def test_louder_is_stronger() -> None:
    weak, strong = (Prosody().hear(*spoken(0.5, 0.5, 0.5, level))[0] for level in (0.6, 1.0))

    assert weak.strength < strong.strength


def test_an_even_voice_and_a_silent_one_have_no_stresses() -> None:
    assert Prosody().hear(*spoken(*[0.5] * 20)) == []
    assert Prosody().hear(*spoken(*[0.0] * 20)) == []


def test_consonants_have_none() -> None:
    assert Prosody().hear(*spoken(0.5, 0.5, 0.5, 0.9, name="SS")) == []


def test_stresses_are_not_closer_than_a_head_can_follow() -> None:
    accents = Prosody().hear(*spoken(*[0.3, 0.3, 0.3, 0.9, 0.95] * 6))

    gaps = [b.at - a.at for a, b in zip(accents, accents[1:], strict=False)]
    assert accents
    assert min(gaps) >= GAP_S * SESSION_RATE_HZ - VOWEL


def test_it_makes_no_difference_how_the_sound_comes() -> None:
    pcm, visemes = spoken(0.4, 0.5, 0.3, 0.9, 0.4, 0.5, 0.8, 0.4)
    whole = Prosody().hear(pcm, visemes)

    bit_by_bit = Prosody()
    found = bit_by_bit.hear(pcm[:0], visemes)
    for start in range(0, pcm.size, 700):
        found += bit_by_bit.hear(pcm[start : start + 700], ())

    assert whole
    assert found == whole
