import itertools
from random import Random

from rtav.engines.avatar.behaviour import Behaviour, Manners
from rtav.engines.avatar.channels import RANGES, Pose, clamp
from rtav.engines.base import Mood

FRAME_S = 0.04


def behave(*moods: tuple[Mood, float]) -> list[Pose]:
    manners, behaviour = Manners(Random(5)), Behaviour()
    poses, t = [], 0.0
    for mood, seconds in moods:
        for _ in range(round(seconds / FRAME_S)):
            poses.append(behaviour.pose(t, mood, manners.at(t)))
            t += FRAME_S
    return poses


def spread(poses: list[Pose], name: str) -> float:
    values = [pose.get(name, 0.0) for pose in poses]
    return max(values) - min(values)


def test_someone_idle_shows_no_behaviour() -> None:
    assert all(not any(pose.values()) for pose in behave(("idle", 5)))


def test_a_listener_nods_now_and_then() -> None:
    pitch = [pose["headPitch"] for pose in behave(("listening", 60))[25:]]

    nods = sum(a < 1.8 <= b for a, b in itertools.pairwise(pitch))
    assert 4 <= nods <= 24
    assert max(pitch) < 4


def test_a_thinker_looks_aside_and_holds_still() -> None:
    poses = behave(("thinking", 5))[25:]

    assert all(abs(pose["gazeX"]) > 8 for pose in poses)
    assert spread(poses, "headPitch") < 0.1


def test_a_thinker_looks_for_it_here_and_there() -> None:
    poses = behave(("thinking", 10))[25:]
    jumps = sum(abs(b["gazeX"] - a["gazeX"]) > 0.5 for a, b in itertools.pairwise(poses))

    assert 4 <= jumps <= 30


def test_a_thinker_who_is_disturbed_for_a_moment_keeps_to_his_side() -> None:
    poses = behave(("thinking", 2), ("speaking", 0.2), ("thinking", 1))

    assert all(abs(b["gazeX"] - a["gazeX"]) < 3 for a, b in itertools.pairwise(poses[1:]))


def test_a_thinker_looks_to_the_other_side_the_next_time() -> None:
    poses = behave(("thinking", 2), ("speaking", 2), ("thinking", 2))

    assert poses[40]["gazeX"] * poses[-1]["gazeX"] < 0


def test_a_speaker_moves_head_and_brows() -> None:
    poses = behave(("speaking", 30))

    assert spread(poses, "headYaw") > 3
    assert spread(poses, "headPitch") > 2
    assert spread(poses, "browOuterUpLeft") > 0.1


def test_moods_change_without_a_jump() -> None:
    moods: list[tuple[Mood, float]] = [
        ("listening", 0.6), ("thinking", 0.2), ("speaking", 0.3), ("idle", 0.1), ("thinking", 1.0)
    ]  # fmt: skip
    poses = behave(*moods * 10)

    for before, after in itertools.pairwise(poses):
        for name in before.keys() | after.keys():
            step = abs(after.get(name, 0.0) - before.get(name, 0.0))
            assert step < (0.2 if RANGES[name][1] <= 1 else 3.0), name


def test_behaviour_stays_within_the_ranges() -> None:
    for pose in behave(("speaking", 60), ("listening", 60), ("thinking", 10)):
        assert clamp(pose) == pose


def test_skipped_frames_change_nothing() -> None:
    every, few = Manners(Random(2)), Manners(Random(2))
    for i in range(500):
        last = every.at(i * FRAME_S)

    assert few.at(499 * FRAME_S) == last
