import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.lips import MOUTH, SHAPES, mouth
from rtav.engines.base import VISEMES, Viseme

RATE_HZ = 24_000


def track(*sounds: tuple[str, float]) -> list[Viseme]:
    """Visemes one after the other, with their lengths in milliseconds."""
    visemes, start = [], 0
    for name, ms in sounds:
        end = start + round(ms * RATE_HZ / 1000)
        visemes.append(Viseme(name=name, start=start, end=end))
        start = end
    return visemes


def at_ms(ms: float, visemes: list[Viseme]) -> Pose:
    return mouth(ms / 1000, visemes, rate_hz=RATE_HZ)


def test_every_viseme_has_a_shape_of_channels_speech_may_move() -> None:
    assert set(SHAPES) == set(VISEMES)
    for name in VISEMES:
        assert set(at_ms(100, track((name, 200)))) <= set(MOUTH)


@pytest.mark.parametrize("length_ms", [40, 60, 120])
def test_the_lips_meet_on_a_bilabial_however_short(length_ms: float) -> None:
    pose = at_ms(100 + length_ms / 2 - 20, track(("aa", 100), ("PP", length_ms), ("aa", 100)))

    assert pose["mouthClose"] >= 0.9
    assert pose["jawOpen"] < 0.05
    assert pose["mouthLowerDownLeft"] == pose["mouthUpperUpRight"] == 0.0


@pytest.mark.parametrize("length_ms", [10, 25, 40, 90])
@pytest.mark.parametrize("before", ["aa", "I", "O", "SS"])
def test_a_frame_at_25_fps_falls_into_every_closure(length_ms: float, before: str) -> None:
    visemes = track((before, 100), ("PP", length_ms), ("aa", 100))

    for phase_ms in range(40):
        poses = [at_ms(phase_ms + n * 40, visemes) for n in range(6)]
        assert max(pose.get("mouthClose", 0.0) for pose in poses) > 0.75
        assert min(pose["jawOpen"] for pose in poses) < 0.08


@pytest.mark.parametrize("length_ms", [25, 80])
def test_a_frame_at_25_fps_sees_teeth_on_the_lip_on_every_f(length_ms: float) -> None:
    visemes = track(("aa", 100), ("FF", length_ms), ("aa", 100))

    for phase_ms in range(40):
        poses = [at_ms(phase_ms + n * 40, visemes) for n in range(6)]
        touching = max(poses, key=lambda pose: pose["mouthRollLower"])
        assert touching["mouthRollLower"] > 0.6
        assert touching["mouthUpperUpLeft"] > 0.3
        assert touching["jawOpen"] < 0.2


def test_a_round_vowel_keeps_its_roundness_while_teeth_are_on_the_lip() -> None:
    pose = at_ms(60, track(("FF", 80), ("U", 150)))

    assert pose["mouthRollLower"] > 0.6
    assert pose["mouthPucker"] > 0.3


@pytest.mark.parametrize("vowel", ["O", "U"])
def test_rounded_vowels_round_the_lips(vowel: str) -> None:
    pose = at_ms(180, track(("DD", 100), (vowel, 200), ("DD", 100)))

    assert pose["mouthFunnel"] + pose["mouthPucker"] > 0.7
    assert pose["mouthStretch"] < 0.05


def test_lips_are_round_before_a_round_vowel_through_the_consonants_that_let_them() -> None:
    stew, stay = (track(("SS", 90), ("DD", 60), (vowel, 200), ("sil", 200)) for vowel in ("U", "E"))

    assert at_ms(40, stew)["mouthPucker"] > 0.25
    assert at_ms(100, stew)["mouthPucker"] > 0.5
    assert at_ms(100, stew)["mouthStretch"] < 0.1
    assert at_ms(100, stay).get("mouthPucker", 0.0) < 0.02
    assert at_ms(40, stay)["mouthStretch"] > 0.2


def test_a_spread_vowel_is_not_rounded_ahead_of_a_round_one() -> None:
    pose = at_ms(80, track(("I", 160), ("DD", 50), ("U", 160)))

    assert pose["mouthStretch"] > 0.35
    assert pose["mouthPucker"] < 0.3


def test_the_mouth_opens_most_on_a() -> None:
    opened = {name: at_ms(130, track(("nn", 50), (name, 200), ("nn", 50))) for name in VISEMES}

    assert max(opened, key=lambda name: opened[name].get("jawOpen", 0.0)) == "aa"


def test_the_mouth_shapes_a_sound_before_it_is_heard() -> None:
    visemes = track(("sil", 300), ("aa", 200))

    assert at_ms(190, visemes) == {}
    assert at_ms(300, visemes)["jawOpen"] > 0.3


def test_neighbours_blend() -> None:
    visemes = track(("I", 150), ("U", 150))

    halfway = at_ms(130, visemes)

    assert 0.2 < halfway["mouthPucker"] < 0.7
    assert 0.1 < halfway["mouthStretch"] < 0.4


@pytest.mark.parametrize("tail", [[], [("sil", 500.0)]])
def test_the_mouth_is_shut_within_80_ms_of_silence(tail: list[tuple[str, float]]) -> None:
    visemes = track(("E", 100), ("aa", 200), *tail)

    assert at_ms(280, visemes)["jawOpen"] > 0.3
    assert at_ms(300 + 80, visemes) == {}


def test_a_gap_without_visemes_is_silence() -> None:
    first, second = track(("aa", 200))[0], Viseme(name="aa", start=24_000, end=28_800)

    assert at_ms(600, [first, second]) == {}


def test_no_visemes_no_mouth() -> None:
    assert at_ms(0, []) == {}


def test_visemes_of_another_alphabet_are_ignored() -> None:
    assert at_ms(50, track(("X9", 100))) == {}


@given(
    st.lists(
        st.tuples(st.sampled_from(VISEMES), st.floats(min_value=0, max_value=300)), max_size=30
    )
)
def test_any_speech_keeps_the_mouth_in_range_and_without_jumps(
    sounds: list[tuple[str, float]],
) -> None:
    # Invariant: whatever is said, every channel stays within 0 to 1 and moves no farther in
    # 5 ms than a closure does.
    visemes = track(*sounds)
    poses = [at_ms(ms, visemes) for ms in range(0, 1500, 5)]

    for pose in poses:
        assert all(0.0 <= value <= 1.0 for value in pose.values())
    for before, after in itertools.pairwise(poses):
        for name in before.keys() | after.keys():
            assert abs(after.get(name, 0.0) - before.get(name, 0.0)) < 0.3, name


@given(
    st.lists(
        st.tuples(st.sampled_from(VISEMES), st.floats(min_value=25, max_value=300)), max_size=30
    )
)
def test_mouths_of_human_speech_move_at_most_as_fast_as_a_closure(
    sounds: list[tuple[str, float]],
) -> None:
    # Invariant: from one frame at 50 fps to the next no channel moves by more than 0.65 of its
    # range, and a jaw by less than half, whatever is said at whatever pace people speak.
    visemes = track(*sounds)
    poses = [at_ms(ms, visemes) for ms in range(0, 2000, 20)]

    for before, after in itertools.pairwise(poses):
        for name in before.keys() | after.keys():
            moved = abs(after.get(name, 0.0) - before.get(name, 0.0))
            assert moved < (0.5 if name == "jawOpen" else 0.65), name
