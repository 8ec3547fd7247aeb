from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtav.engines.base import VISEMES, Viseme
from rtav.engines.by_ear import FORMAT, SHAPES, TABLE, ByEar, our_table, read_table
from rtav.media.pcm import Pcm
from rtav.testing.voices import pink_noise, say, silence

RATE_HZ = 16_000


def heard(pcm: Pcm, *, rate_hz: int = RATE_HZ, piece: int | None = None) -> list[Viseme]:
    """Equal neighbours merged: a sound that goes on is told in pieces."""
    ear = ByEar(rate_hz, our_table())
    step = piece or max(len(pcm), 1)
    told = [v for at in range(0, len(pcm), step) for v in ear.push(pcm[at : at + step])]
    merged: list[Viseme] = []
    for v in [*told, *ear.flush()]:
        if merged and merged[-1].name == v.name:
            merged[-1] = Viseme(name=v.name, start=merged[-1].start, end=v.end)
        else:
            merged.append(v)
    return merged


def swelling(seconds: float) -> np.ndarray:
    """A breath in or out every second."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(len(t)))
    hump = np.exp(-(((np.fft.rfftfreq(len(t), 1 / RATE_HZ) - 1200) / 900) ** 2))
    breath = np.fft.irfft(spectrum * hump)
    return breath / breath.std() * np.sin(np.pi * t) ** 2


def beep(seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * 880 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def mains(seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.sin(2 * np.pi * 50 * t) + 0.4 * np.sin(2 * np.pi * 150 * t)


def test_there_is_a_viseme_for_every_sample_one_after_the_other() -> None:
    pcm = say("Hello, how are you today?")

    visemes = heard(pcm)

    assert visemes[0].start == 0
    assert visemes[-1].end == len(pcm)
    assert all(a.end == b.start for a, b in zip(visemes, visemes[1:], strict=False))
    assert {v.name for v in visemes} <= set(VISEMES)
    assert len(visemes) > 10


def test_positions_are_of_the_rate_of_the_sound() -> None:
    pcm = say("Hello, how are you today?")

    once, thrice = heard(pcm), heard(np.repeat(pcm, 3), rate_hz=3 * RATE_HZ)

    assert thrice[-1].end == 3 * len(pcm)
    same = sum(
        max(0, min(3 * a.end, b.end) - max(3 * a.start, b.start))
        for a in once
        for b in thrice
        if a.name == b.name
    )
    assert same > 0.8 * 3 * len(pcm)


@pytest.mark.parametrize("piece", [100, 320, 1_111, 8_000])
@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_the_pieces_in_which_sound_comes_make_no_difference(piece: int, rate_hz: int) -> None:
    pcm = say("Maybe Bob bought a pump for his mother.")

    assert heard(pcm, rate_hz=rate_hz, piece=piece) == heard(pcm, rate_hz=rate_hz)


def test_a_sound_is_understood_within_50_ms() -> None:
    pcm = say("Hello, how are you today?")
    ear = ByEar(RATE_HZ, our_table())

    for at in range(0, len(pcm), 80):
        ear.push(pcm[at : at + 80])
        behind = min(at + 80, len(pcm)) - ear.told
        assert behind < 0.050 * RATE_HZ + 160  # and the hundredth of a second that is under way


@pytest.mark.parametrize(
    ("noise", "level"),
    [
        *itertools.product((pink_noise, mains, beep), (100, 1_000, 8_000)),
        *itertools.product((swelling,), (100, 1_000)),
    ],
)
def test_the_mouth_stays_shut_for_noise(noise: Any, level: int) -> None:
    pcm = np.clip(level * noise(3.0), -32_768, 32_767).astype(np.int16)

    assert {v.name for v in heard(pcm)} == {"sil"}


def test_the_mouth_is_shut_soon_after_the_last_word() -> None:
    pcm = np.concatenate((say("Hello there."), silence(0.7)))
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > 300)[-1]

    last = [v for v in heard(pcm) if v.name != "sil"][-1]

    assert last.end <= loud + 0.06 * RATE_HZ


def test_no_sound_has_no_visemes() -> None:
    assert heard(np.zeros(0, np.int16)) == []
    assert [v.name for v in heard(silence(0.2))] == ["sil"]


def table(path: Path, **changes: Any) -> Path:
    arrays = {name: np.zeros(shape, np.float16) for name, shape in SHAPES.items()}
    np.savez(path, **{"format": np.array(FORMAT), **arrays, **changes})
    return path


def test_our_table_is_small() -> None:
    assert TABLE.stat().st_size < 200_000


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": np.array("lips-by-ear/9")}, "is not lips-by-ear/1"),
        ({"out": np.zeros((3, 3))}, "out must be"),
        ({"hidden_bias": np.full(128, np.nan)}, "hidden_bias must be"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_table(table(tmp_path / "table.npz", **changes))


def test_a_table_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    path.write_bytes(pickle.dumps({"format": FORMAT}))

    with pytest.raises(ValueError, match=r"pickle|not a zip"):
        read_table(path)
