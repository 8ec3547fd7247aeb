import itertools
import statistics
from random import Random

import numpy as np
import pytest

from rtav.engines.avatar.channels import Pose, clamp
from rtav.engines.avatar.life import Life

FRAME_S = 0.04


def live(seconds: float, *, seed: int = 1) -> list[Pose]:
    life = Life(Random(seed))
    poses = []
    for i in range(round(seconds / FRAME_S)):
        pose: Pose = {}
        life.at(i * FRAME_S).add_to(pose)
        poses.append(pose)
    return poses


def blinks(poses: list[Pose]) -> list[float]:
    """When the lids began to close, in seconds."""
    shut = [pose["eyeBlinkLeft"] > 0.5 for pose in poses]
    return [i * FRAME_S for i in range(1, len(shut)) if shut[i] and not shut[i - 1]]


def test_blinks_come_at_a_persons_rate_and_without_a_period() -> None:
    times = blinks(live(600))

    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert 100 < len(times) < 300
    assert statistics.stdev(gaps) / statistics.mean(gaps) > 0.3
    assert max(gaps) < 11


def test_blinks_shut_both_eyes_for_a_moment() -> None:
    poses = live(60)

    assert max(pose["eyeBlinkLeft"] for pose in poses) > 0.99
    assert all(pose["eyeBlinkLeft"] == pose["eyeBlinkRight"] for pose in poses)
    assert sum(pose["eyeBlinkLeft"] > 0.5 for pose in poses) < len(poses) * 0.1


def test_a_minute_does_not_repeat_itself() -> None:
    yaw = np.array([pose["headYaw"] for pose in live(240)])
    yaw -= yaw.mean()

    echo = np.correlate(yaw, yaw, mode="full")[len(yaw) - 1 :] / (yaw @ yaw)

    assert echo[round(5 / FRAME_S) :].max() < 0.6


def test_the_lids_of_someone_at_ease_are_not_wide_open() -> None:
    assert all(0.13 <= pose["eyeBlinkLeft"] for pose in live(10))


def test_a_wink_is_not_opened_by_the_resting_lids() -> None:
    pose: Pose = {"eyeBlinkLeft": 1.0}

    Life(Random(1)).at(0.0).add_to(pose)

    assert pose["eyeBlinkLeft"] == 1.0
    assert pose["eyeBlinkRight"] == 0.13


def test_the_eyes_stay_with_the_viewer_when_the_head_turns() -> None:
    ahead: Pose = {}
    turned: Pose = {"headYaw": 10.0, "headPitch": 10.0}
    Life(Random(1)).at(0.0).add_to(ahead)
    Life(Random(1)).at(0.0).add_to(turned)

    assert turned["gazeX"] - ahead["gazeX"] == pytest.approx(-7.0)
    assert turned["gazeY"] - ahead["gazeY"] == pytest.approx(7.0)


def test_the_eyes_jump_between_points_and_rest_there() -> None:
    poses = live(60)
    steps = [abs(b["gazeX"] - a["gazeX"]) for a, b in itertools.pairwise(poses)]

    assert max(steps) > 1.5
    assert statistics.median(steps) < 0.1


def test_the_eyes_are_with_the_viewer_most_of_the_time_and_come_back() -> None:
    poses = live(300)
    away = [abs(pose["gazeX"] + 0.7 * pose["headYaw"]) > 2.5 for pose in poses]

    lengths = [len(list(run)) * FRAME_S for is_away, run in itertools.groupby(away) if is_away]
    assert 0.04 < sum(away) / len(away) < 0.25
    assert 20 < len(lengths) < 75
    assert max(lengths) < 4.5


def test_eyes_that_rest_on_somebody_are_never_quite_still() -> None:
    poses = live(120)
    there = [(pose["gazeX"] + 0.7 * pose["headYaw"]) for pose in poses]
    small = [abs(b - a) for a, b in itertools.pairwise(there) if 0.15 < abs(b - a) < 2]

    assert len(small) > 60


def test_gaps_between_blinks_are_a_persons_some_of_them_double() -> None:
    times = blinks(live(1200, seed=5))
    gaps = sorted(b - a for a, b in itertools.pairwise(times))

    double = sum(gap < 0.6 for gap in gaps) / len(gaps)
    single = [gap for gap in gaps if gap >= 0.6]
    assert 0.04 < double < 0.2
    assert 2.5 < statistics.median(single) < 4.6
    assert single[len(single) // 10] < 2.4
    assert single[-len(single) // 10] > 4.8
    deltas = np.diff(np.array(times))  # a period would show as one gap that prevails
    counts, _ = np.histogram(deltas, bins=np.arange(0, 11, 0.25))
    assert counts.max() < 0.2 * len(deltas)


def test_breath_comes_and_goes() -> None:
    breath = [pose["breath"] for pose in live(30)]

    assert min(breath) < 0.05
    assert max(breath) > 0.5
    assert max(abs(b - a) for a, b in itertools.pairwise(breath)) < 0.06


def test_life_stays_within_the_ranges() -> None:
    life = Life(Random(7))

    for i in range(3000):
        pose = {"browInnerUp": 0.1}
        life.at(i * FRAME_S).add_to(pose)
        assert clamp(pose) == pose


def test_skipped_frames_change_nothing() -> None:
    every = live(60, seed=3)[-1]
    life, few = Life(Random(3)), {}

    life.at(1499 * FRAME_S).add_to(few)

    assert few == every


def test_every_seed_lives_another_life() -> None:
    assert blinks(live(60, seed=1)) != blinks(live(60, seed=2))
