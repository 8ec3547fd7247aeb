from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.lips import mouth
from rtav.engines.base import Viseme
from rtav.testing.engines import ScriptedTts
from rtav.testing.filming import PIECE, RATE_HZ, Film
from rtav.testing.gauge import CLOSED, Gauge
from rtav.testing.lipsync import Said, judge, voiced

SPEECH = "ama ubi emo opa ibu abema poda mibo " * 3


def jaw(pose: Pose) -> float:
    return 0.05 * pose.get("jawOpen", 0.0)


def reply() -> Said:
    """With noise for a voice: a tone is alike to itself everywhere."""
    said = asyncio.run(voiced(SPEECH, ScriptedTts(), voice="default"))
    loud = np.random.default_rng(1).normal(0, 3000, len(said.pcm)) * (said.pcm != 0)
    return Said(loud.astype(np.int16), said.visemes)


def filmed(said: Said, *, ahead_s: float, begins_s: float = 1.0) -> tuple[Film, np.ndarray]:
    """A film in which the picture is ahead of the sound, and how far its lips are apart."""
    heard = said.pcm.reshape(-1, 3).mean(1)
    sound = np.concatenate((np.zeros(round(begins_s * RATE_HZ)), heard, np.zeros(RATE_HZ)))
    sound = sound[: len(sound) // PIECE * PIECE]
    ends = np.arange(1, len(sound) // PIECE + 1) * PIECE / RATE_HZ
    late = np.random.default_rng(2).uniform(0, 0.01, len(ends))  # the page is not punctual
    shown = np.arange(0.0, begins_s + said.length_s + 1.0, 0.04)
    film = Film(
        shown=100.0 + shown,
        mouths=np.zeros((len(shown), 12, 16, 3), np.uint8),
        sound=sound,
        heard=100.0 + ends + late,
        skew=np.array([[100.0, 0.01], [200.0, 0.01]]),
    )
    at = shown - begins_s + ahead_s
    opening = [jaw(mouth(s, near(said.visemes, s), rate_hz=24_000)) for s in at]
    return film, np.array(opening)


def near(visemes: Sequence[Viseme], at_s: float) -> list[Viseme]:
    return [v for v in visemes if abs(v.start / 24_000 - at_s) < 1]


@pytest.mark.parametrize("ahead_s", [-0.03, 0.0, 0.06])
def test_a_picture_that_is_ahead_is_told_by_how_much(ahead_s: float) -> None:
    said = reply()
    film, opening = filmed(said, ahead_s=ahead_s)

    sync = judge(film, said, opening, jaw)

    assert sync.heard == 1.0
    assert np.median(sync.offsets[:, 1]) == pytest.approx(ahead_s, abs=0.006)
    assert np.abs(sync.offsets[:, 1] - ahead_s).max() < 0.02
    assert list(sync.skews) == pytest.approx([0.01] * len(sync.skews))
    assert sync.likeness > 0.9


def test_a_closure_that_no_frame_shows_is_missed() -> None:
    said = reply()
    film, opening = filmed(said, ahead_s=0.0)

    closed = judge(film, said, opening, jaw).closures
    ajar = judge(film, said, opening + CLOSED, jaw).closures

    assert len(closed) > 20
    assert closed.count(True) > 0.95 * len(closed)
    assert set(ajar) == {False}


def test_a_closure_in_a_gap_between_frames_is_nobodys_fault() -> None:
    said = reply()
    film, opening = filmed(said, ahead_s=0.0)
    few = slice(None, None, 8)
    gappy = replace(film, shown=film.shown[few], mouths=film.mouths[few])

    closures = judge(gappy, said, opening[few] + CLOSED, jaw).closures

    assert set(closures) == {None}


def test_a_reply_that_was_never_played_is_not_judged() -> None:
    said = reply()
    film, opening = filmed(said, ahead_s=0.0)
    other = Said(np.random.default_rng(9).normal(0, 3000, 48_000).astype(np.int16), ())

    with pytest.raises(ValueError, match="not in the film"):
        judge(film, other, opening, jaw)


def test_what_is_said_twice_is_looked_for_where_it_comes_first() -> None:
    said = reply()
    twice = Said(np.concatenate((said.pcm, said.pcm)), said.visemes)
    film, opening = filmed(twice, ahead_s=0.0)

    assert judge(film, said, opening, jaw).heard == 1.0


def test_a_gauge_tells_closed_lips_from_lips_that_are_apart() -> None:
    gauge = Gauge("face1", drawings=150)
    turned: Pose = {"headYaw": 3.0, "headPitch": -2.0}
    poses: list[Pose] = [
        turned | {"jawOpen": 0.03, "mouthClose": 0.9},
        turned | {"jawOpen": 0.3},
        turned | {"jawOpen": 0.6},
    ]
    drawn = np.stack([gauge.patch(gauge.draw(pose)) for pose in poses])

    closed, apart, wide = gauge.read(drawn)

    assert closed < CLOSED
    assert apart == pytest.approx(gauge.opening(poses[1]), abs=0.006)
    assert wide == pytest.approx(gauge.opening(poses[2]), abs=0.006)
    assert wide > apart > 2 * CLOSED
