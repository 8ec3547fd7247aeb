import json
from pathlib import Path

import pytest

from rtav.engines.avatar.channels import RANGES
from rtav.engines.avatar.motion import parse_motion, read_motion, track
from rtav.engines.avatar.portrait import ASSETS
from rtav.errors import EngineUnavailable

NOD = {
    "format": "avatar-motion/1",
    "name": "Nod",
    "duration": 2,
    "loop": False,
    "channels": {"headPitch": [[0, 0], [0.5, 8], [1.5, 0]]},
}


def test_a_motion_goes_through_its_keys() -> None:
    nod = parse_motion(NOD)

    assert [nod.at(t)[0]["headPitch"] for t in (0, 0.5, 1.5)] == [0, 8, 0]


def test_a_motion_is_still_beyond_its_keys() -> None:
    nod = parse_motion(NOD)

    assert nod.at(1.9) == ({"headPitch": 0}, {"headPitch": 0})
    assert nod.at(-1.0) == ({"headPitch": 0}, {"headPitch": 0})


def test_interpolation_never_leaves_what_the_keys_span() -> None:
    steep = track([(0, 0), (0.1, 1), (0.2, 1), (1, 0), (1.1, 0), (2, 1)])

    values = [steep.at(i / 500)[0] for i in range(1001)]

    assert min(values) >= 0.0
    assert max(values) <= 1.0


def test_the_rate_of_change_is_the_slope_of_the_value() -> None:
    curve = track([(0, 0), (0.4, 3), (1, 4), (2, -1)])
    h = 1e-5

    for t in (0.1, 0.4, 0.7, 1.3, 1.9):
        slope = (curve.at(t + h)[0] - curve.at(t - h)[0]) / (2 * h)
        assert curve.at(t)[1] == pytest.approx(slope, abs=1e-2)


def test_a_closed_curve_goes_through_its_ends_without_stopping() -> None:
    around = track([(0, 0), (1, 1), (3, -1), (4, 0)], closed=True)

    assert around.at(0)[1] == around.slopes[-1] == 1.0


def test_a_channel_no_face_knows_is_ignored() -> None:
    motion = parse_motion(NOD | {"channels": {"antennaUp": [[0, 1]], "headYaw": [[0, 1]]}})

    assert list(motion.tracks) == ["headYaw"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "avatar-motion/2"}, "not an avatar-motion/1 document"),
        ({"name": ""}, "name must be a text"),
        ({"description": 1}, "description must be a text of at most 500"),
        ({"description": "x" * 501}, "description must be a text of at most 500"),
        ({"loop": 1}, "loop must be true or false"),
        ({"duration": 0}, "duration must be 0.1 to 600"),
        ({"duration": True}, "duration must be a number"),
        ({"duration": float("nan")}, "duration must be a number"),
        ({"blend_in": "soon"}, "blend_in must be a number"),
        ({"channels": []}, "channels must be an object"),
        ({"channels": {"headYaw": []}}, "headYaw: must be a list of 1 to 20000 keys"),
        ({"channels": {"headYaw": [[0]]}}, "headYaw: a key is"),
        ({"channels": {"headYaw": [[0, 0], [0, 1]]}}, "headYaw: times must rise"),
        ({"channels": {"headYaw": [[3, 0]]}}, "headYaw: time must be 0 to 2"),
        ({"channels": {"jawOpen": [[0, 1.5]]}}, "jawOpen: value must be 0 to 1"),
    ],
)
def test_a_motion_that_cannot_be_played_is_refused(
    change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_motion(NOD | change)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"format": "avatar-motion/1"}', "\udcff"])
def test_a_file_that_holds_no_motion_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "Broken.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))

    with pytest.raises(EngineUnavailable, match=r"Broken\.json"):
        read_motion(path)


@pytest.mark.parametrize("path", sorted((ASSETS / "driving").glob("*.json")), ids=lambda p: p.stem)
def test_a_standard_motion_begins_and_ends_near_rest(path: Path) -> None:
    motion = read_motion(path)

    assert motion.name == path.stem
    assert set(json.loads(path.read_text())["channels"]) <= set(RANGES)
    first, last = motion.at(0.0)[0], motion.at(motion.duration_s)[0]
    for name in motion.tracks:
        limit = 0.06 if RANGES[name][1] <= 1 else 1.0
        assert abs(first[name] - last[name]) <= limit, name


@pytest.mark.parametrize("name", ["default", "idle"])
def test_blinks_and_breath_are_left_to_life_at_rest(name: str) -> None:
    motion = read_motion(ASSETS / "driving" / f"{name}.json")

    assert not [
        channel
        for channel in motion.tracks
        if channel.startswith(("eye", "gaze", "br")) and channel != "browInnerUp"
    ]


@pytest.mark.parametrize("path", sorted((ASSETS / "driving").glob("*.json")), ids=lambda p: p.stem)
def test_a_standard_motion_says_what_it_does_and_does_not_move_everything_at_once(
    path: Path,
) -> None:
    motion = read_motion(path)

    assert 5 < len(motion.description) < 100
    assert "  " not in motion.description
    assert len({track.times for track in motion.tracks.values()}) > 2
