import pytest

from rtav.engines.avatar.arkit import expression
from rtav.engines.avatar.channels import RANGES
from rtav.engines.base import BLENDSHAPES


def test_arkit_has_52_names() -> None:
    assert len(set(BLENDSHAPES)) == 52


@pytest.mark.parametrize("end", [0, 1])
def test_every_channel_stays_within_arkits_range(end: int) -> None:
    told = expression({name: limits[end] for name, limits in RANGES.items()}).blendshapes

    assert set(told) <= set(BLENDSHAPES)
    assert all(0 < value <= 1 for value in told.values())


def test_a_face_at_rest_says_nothing() -> None:
    assert expression({}).blendshapes == {}
    assert expression({"jawOpen": 0.0001, "breath": 1.0}).blendshapes == {}


def test_names_that_arkit_has_are_told_as_they_are() -> None:
    assert expression({"jawOpen": 0.4567, "eyeBlinkLeft": 1.0}).blendshapes == {
        "jawOpen": 0.457,
        "eyeBlinkLeft": 1.0,
    }


def test_what_is_one_channel_here_moves_both_sides() -> None:
    told = expression({"mouthStretch": 0.5, "noseSneer": 0.25}).blendshapes

    assert told == {
        "mouthStretchLeft": 0.5,
        "mouthStretchRight": 0.5,
        "noseSneerLeft": 0.25,
        "noseSneerRight": 0.25,
    }


@pytest.mark.parametrize(
    ("pose", "told"),
    [
        ({"gazeX": 17.5}, {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}),
        ({"gazeX": -7.0}, {"eyeLookInLeft": 0.2, "eyeLookOutRight": 0.2}),
        ({"gazeY": 7.0}, {"eyeLookUpLeft": 0.2, "eyeLookUpRight": 0.2}),
        ({"gazeY": -7.0}, {"eyeLookDownLeft": 0.2, "eyeLookDownRight": 0.2}),
        ({"jawLeft": 0.3}, {"jawLeft": 0.3}),
        ({"jawLeft": -0.3}, {"jawRight": 0.3}),
    ],
)
def test_directions_are_the_subjects(pose: dict[str, float], told: dict[str, float]) -> None:
    assert expression(pose).blendshapes == told


def test_the_head_turns_in_degrees() -> None:
    assert expression({"headYaw": 5.678, "headPitch": -2.0}).head == (5.68, -2.0, 0.0)
