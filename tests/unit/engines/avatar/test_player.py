import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.avatar.channels import RANGES, clamp
from rtav.engines.avatar.motion import Motion, read_motion, track
from rtav.engines.avatar.player import Player
from rtav.engines.avatar.portrait import ASSETS

STANDARD = {path.stem: read_motion(path) for path in sorted((ASSETS / "driving").glob("*.json"))}
FRAME_S = 0.04


def clip(name: str, keys: list[tuple[float, float]], *, loops: bool = False) -> Motion:
    return Motion(
        name=name,
        duration_s=keys[-1][0],
        loops=loops,
        blend_in_s=0.3,
        tracks={"headYaw": track(keys, closed=loops)},
    )


REST = clip("rest", [(0, 0), (2, 1), (4, 0)], loops=True)
WINK = clip("wink", [(0, 0), (0.5, 6), (1, 0)])
NOD = clip("nod", [(0, 0), (0.6, -6), (1.5, 0)])


def motions_played(player: Player, start_s: float, end_s: float) -> list[tuple[str, float]]:
    """(name, when it began), to 10 ms."""
    seen: list[tuple[str, float]] = []
    for i in range(round(start_s * 100), round(end_s * 100)):
        player.pose(i / 100)
        began = round(player._start_s, 2)
        if not seen or seen[-1] != (player.motion.name, began):
            seen.append((player.motion.name, began))
    return seen


def test_a_single_motion_loops_for_ever() -> None:
    player = Player(REST)

    player.drive([WINK], at_s=1.0)

    assert motions_played(player, 0, 5) == [
        ("rest", 0.0),
        ("wink", 1.0),
        ("wink", 2.0),
        ("wink", 3.0),
        ("wink", 4.0),
    ]


def test_a_sequence_is_played_once_and_its_last_motion_loops() -> None:
    player = Player(REST)

    player.drive([NOD, REST], at_s=1.0)

    assert motions_played(player, 0, 12) == [
        ("rest", 0.0),
        ("nod", 1.0),
        ("rest", 0.0),
        ("rest", 4.0),
        ("rest", 8.0),
    ]


def test_a_loop_is_entered_where_everybody_on_the_clock_is_in_it() -> None:
    late, early = Player(REST), Player(REST)
    late.drive([WINK, REST], at_s=1.3)

    assert late.pose(2.5) != early.pose(2.5)
    assert not late.is_in_step(2.5)
    assert late.pose(4.0) == early.pose(4.0)
    assert late.is_in_step(4.0)


def test_a_loop_that_another_motion_follows_is_played_once_from_its_beginning() -> None:
    player = Player(REST)

    player.drive([REST, WINK], at_s=1.5)

    assert motions_played(player, 0, 7) == [
        ("rest", 0.0),
        ("rest", 1.5),
        ("wink", 5.5),
        ("wink", 6.5),
    ]


def test_a_loop_played_once_is_out_of_step_until_it_is_looped() -> None:
    once, early = Player(REST), Player(REST)
    once.drive([REST, REST], at_s=1.5)

    assert (once.pose(5.0) == early.pose(5.0), once.is_in_step(5.0)) == (False, False)
    assert (once.pose(5.6) == early.pose(5.6), once.is_in_step(5.6)) == (False, False)
    assert (once.pose(8.0) == early.pose(8.0), once.is_in_step(8.0)) == (True, True)


def test_a_gesture_that_is_looped_begins_at_its_beginning() -> None:
    player = Player(STANDARD["idle"])

    player.drive([STANDARD["Wink"]], at_s=1.3)

    player.pose(1.3)
    assert (player.motion.name, player._start_s) == ("Wink", 1.3)


def test_a_repeated_name_is_a_repeated_play() -> None:
    player = Player(REST)

    player.drive([WINK, WINK, WINK, REST], at_s=0.5)

    assert motions_played(player, 0, 5) == [
        ("rest", 0.0),
        ("wink", 0.5),
        ("wink", 1.5),
        ("wink", 2.5),
        ("rest", 0.0),
        ("rest", 4.0),
    ]


def test_a_new_order_replaces_what_is_left_in_the_midst_of_a_motion() -> None:
    player = Player(REST)
    player.drive([WINK, WINK, NOD, REST], at_s=0.0)

    player.drive([NOD, REST], at_s=1.25)

    assert motions_played(player, 0, 3.5) == [
        ("wink", 0.0),
        ("wink", 1.0),
        ("nod", 1.25),
        ("rest", 0.0),
    ]


def test_an_order_holds_from_its_instant_on() -> None:
    ordered, left_alone = Player(REST), Player(REST)

    ordered.drive([NOD, REST], at_s=2.0)

    assert ordered.pose(1.99) == left_alone.pose(1.99)
    assert ordered.pose(2.3) != left_alone.pose(2.3)


def test_a_later_order_for_an_earlier_instant_replaces_the_first() -> None:
    player = Player(REST)

    player.drive([NOD, REST], at_s=2.0)
    player.drive([WINK, REST], at_s=1.0)

    assert motions_played(player, 0, 3) == [("rest", 0.0), ("wink", 1.0), ("rest", 0.0)]


def test_looping_what_loops_already_changes_nothing() -> None:
    again, left_alone = Player(REST), Player(REST)

    again.drive([REST], at_s=1.3)

    assert again.pose(1.3) == left_alone.pose(1.3)
    assert again.pose(2.0) == left_alone.pose(2.0)


def test_an_empty_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Player(REST).drive([], at_s=0.0)


def test_value_and_speed_continue_through_a_switch() -> None:
    player, h = Player(REST), 1e-4
    player.drive([WINK], at_s=0.0)
    before = [player.pose(t)["headYaw"] for t in (0.3 - 2 * h, 0.3 - h)]

    player.drive([NOD, REST], at_s=0.3)

    after = [player.pose(t)["headYaw"] for t in (0.3, 0.3 + h)]
    assert after[0] == pytest.approx(before[1], abs=2e-3)
    speed_before, speed_after = ((b - a) / h for a, b in (before, after))
    assert speed_after == pytest.approx(speed_before, abs=0.2)
    assert abs(speed_before) > 5


def test_the_old_motion_is_gone_after_the_blend() -> None:
    player, alone = Player(REST), Player(NOD)
    player.drive([WINK], at_s=0.0)
    player.pose(0.4)

    player.drive([NOD], at_s=0.5)

    assert player.pose(0.5)["headYaw"] > 5
    assert player.pose(1.2)["headYaw"] == pytest.approx(alone.pose(0.7)["headYaw"], abs=0.05)


def test_the_pose_does_not_depend_on_the_frames_that_were_asked_for() -> None:
    every, few = Player(REST), Player(REST)
    for player in (every, few):
        player.drive([WINK, NOD, REST], at_s=0.37)
    for i in range(100):
        every.pose(i * FRAME_S)

    assert few.pose(4.0) == pytest.approx(every.pose(4.0), abs=1e-9)


def test_an_hour_that_nobody_watched_is_caught_up() -> None:
    player = Player(REST)

    assert player.pose(3600.0 + 2.0)["headYaw"] == pytest.approx(1.0)


def largest_step(name: str) -> float:
    if name.startswith("gaze"):
        return 25.0  # the eyes jump
    return 0.75 if RANGES[name][1] <= 1 else 3.6


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(sorted(STANDARD)), min_size=1, max_size=4),
            st.integers(min_value=0, max_value=80),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_no_order_makes_the_face_jump_or_leave_its_ranges(
    orders: list[tuple[list[str], int]],
) -> None:
    # Invariant: whatever is driven whenever, a channel steps no farther in a frame than a fast
    # gesture does by itself, and stays in its range once clamped.
    player = Player(STANDARD["default"])
    frame = 0
    poses = [player.pose(0.0)]
    for names, pause in orders:
        player.drive([STANDARD[name] for name in names], at_s=frame * FRAME_S)
        for _ in range(pause):
            frame += 1
            poses.append(player.pose(frame * FRAME_S))

    for before, after in itertools.pairwise(poses):
        for name in before.keys() | after.keys():
            step = abs(after.get(name, 0.0) - before.get(name, 0.0))
            assert step < largest_step(name), name
    for pose in poses:
        for name, value in clamp(pose).items():
            assert RANGES[name][0] <= value <= RANGES[name][1]
