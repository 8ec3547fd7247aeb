import itertools
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.avatar.channels import RANGES, Pose
from rtav.engines.avatar.lips import MOUTH
from rtav.engines.avatar.motion import Motion, read_motion, track
from rtav.engines.avatar.nature import Nature
from rtav.engines.avatar.performance import Performance
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.base import VISEMES, Accent, Moment, Viseme

FRAME = 960  # samples, 40 ms
STANDARD = {path.stem: read_motion(path) for path in sorted((ASSETS / "driving").glob("*.json"))}
STILL = Motion(name="still", duration_s=1.0, loops=True, blend_in_s=0.3, tracks={})
GRIN = Motion(
    name="grin",
    duration_s=1.0,
    loops=True,
    blend_in_s=0.3,
    tracks={
        "mouthSmileLeft": track([(0, 1.0)]),
        "jawOpen": track([(0, 0.5)]),
        "browInnerUp": track([(0, 0.5)]),
    },
)


def perform(motion: Motion, *, seed: int) -> Performance:
    return Performance(motion, Nature(Random(seed)))


def speaking(at: int, name: str, *, mood: str = "idle") -> Moment:
    viseme = Viseme(name=name, start=0, end=24_000)
    return Moment(at=at, speech_at=12_000, visemes=(viseme,), mood=mood)  # type: ignore[arg-type]


def hold(performance: Performance, name: str | None, *, frames: int, start: int = 0) -> Pose:
    for i in range(frames):
        at = (start + i) * FRAME
        pose = performance.pose(Moment(at=at) if name is None else speaking(at, name))
    return pose


def test_a_quiet_voice_opens_the_mouth_less_and_closes_it_as_well() -> None:
    def jaw(name: str, loudness: float) -> float:
        performance = perform(STILL, seed=1)
        for at in range(0, 30 * FRAME, FRAME):
            pose = performance.pose(replace(speaking(at, name), loudness=loudness))
        return pose["jawOpen"]

    assert 0.6 * jaw("aa", 1.0) < jaw("aa", 0.0) < 0.7 * jaw("aa", 1.0)
    assert jaw("aa", 0.0) < jaw("aa", 0.25) < jaw("aa", 0.8) < jaw("aa", 1.0)
    assert jaw("PP", 0.0) <= jaw("PP", 1.0) < 0.02


def test_a_smile_survives_speech_and_the_jaw_belongs_to_it() -> None:
    silent = hold(perform(GRIN, seed=1), None, frames=30)
    talking = hold(perform(GRIN, seed=1), "SS", frames=30)

    assert silent["mouthSmileLeft"] == 1.0
    assert abs(talking["mouthSmileLeft"] - 0.55) < 0.01
    assert silent["jawOpen"] == 0.5
    assert abs(talking["jawOpen"] - (0.2 * 0.5 + 0.06)) < 0.01
    assert abs(talking["browInnerUp"] - silent["browInnerUp"]) < 1e-9


def test_the_lips_meet_whatever_motion_runs() -> None:
    pose = hold(perform(GRIN, seed=1), "PP", frames=30)

    assert pose["mouthClose"] >= 0.9
    assert pose["jawOpen"] < 0.02


def test_the_mouth_closes_within_80_ms_when_the_voice_is_held() -> None:
    performance = perform(STILL, seed=1)
    opened = hold(performance, "aa", frames=10)

    frames = [performance.pose(Moment(at=(9 + n) * FRAME)) for n in (1, 2)]

    assert opened["jawOpen"] > 0.5
    assert 0.1 < frames[0]["jawOpen"] < opened["jawOpen"]
    assert all(frames[1].get(name, 0.0) == 0.0 for name in MOUTH)


def test_a_gesture_asks_the_mood_to_step_back() -> None:
    by_itself, gesturing = (perform(STANDARD["default"], seed=1) for _ in range(2))
    gesturing.drive([STANDARD["Wink"]], at=0)

    def yaw_spread(performance: Performance) -> float:
        moments = (Moment(at=i * FRAME, mood="thinking") for i in range(50))
        return max(abs(performance.pose(moment)["gazeX"]) for moment in moments)

    assert yaw_spread(gesturing) < 0.8 * yaw_spread(by_itself)


def test_a_moment_before_the_last_one_shows_the_last_one() -> None:
    performance = perform(STILL, seed=1)
    last = performance.pose(Moment(at=24_000))

    assert performance.pose(Moment(at=12_000)) == last


def test_skipped_frames_make_next_to_no_difference() -> None:
    every, few = (perform(STANDARD["default"], seed=4) for _ in range(2))
    for i in range(250):
        last = every.pose(Moment(at=i * FRAME))

    pose = few.pose(Moment(at=249 * FRAME))

    assert all(abs(pose[name] - last[name]) < 1e-6 for name in last)


def pitch_after_a_stress(at_s: float, *, crowded: bool) -> float:
    """Of one who has spoken for ten seconds, with one stress."""
    performance = perform(STILL, seed=2)
    accents = [Accent(at=round(at_s * 24_000), strength=1.0)]
    visemes = [Viseme(name="aa", start=0, end=480_000)]
    for i in range(250):
        moment = Moment(
            at=i * FRAME, speech_at=i * FRAME, visemes=visemes, accents=accents, mood="speaking"
        )
        pose = performance.pose(moment, crowded=crowded)
    return pose["headPitch"]


def test_a_head_follows_the_stresses_of_what_it_says_unless_it_is_shared() -> None:
    now, long_ago = 249 / 25, 5.0

    def turns(*, crowded: bool) -> float:
        return pitch_after_a_stress(now, crowded=crowded) - pitch_after_a_stress(
            long_ago, crowded=crowded
        )

    assert 2.3 < turns(crowded=False) < 2.7
    assert abs(turns(crowded=True)) < 0.01


def test_a_gesture_that_blinks_by_itself_is_not_blinked_into() -> None:
    def blinks(name: str) -> int:
        performance = perform(STANDARD["default"], seed=1)
        performance.drive([STANDARD[name]], at=0)
        lids = [performance.pose(Moment(at=i * FRAME))["eyeBlinkRight"] for i in range(1500)]
        return sum(a < 0.6 <= b for a, b in itertools.pairwise(lids))

    assert blinks("Wink") <= 1  # the right eye stays open, but for what began before
    assert blinks("SmileTeeth") > 10


LARGEST_STEPS = {
    **dict.fromkeys(RANGES, 0.32),
    "eyeBlinkLeft": 0.75,  # shut within two frames
    "eyeBlinkRight": 0.75,
    "gazeX": 25.0,  # the eyes jump
    "gazeY": 14.0,
    "headYaw": 3.6,  # degrees: a firm shake turns it by 18 in a third of a second
    "headPitch": 3.0,
    "headRoll": 2.4,
    "headY": 0.015,
    "headZ": 0.06,
}
"""How far a channel may go in 40 ms where nobody speaks."""


@pytest.mark.parametrize("seed", range(6))
def test_any_motion_may_be_left_for_any_other_at_any_time_without_a_jump(seed: int) -> None:
    # Invariant: whatever motions and moods are asked for, whenever, no channel leaves its range or
    # makes a larger step than the table says.
    random = Random(seed)
    performance = perform(STANDARD["default"], seed=seed)
    moods = ("idle", "listening", "thinking", "speaking")
    mood, before = "idle", performance.pose(Moment(at=0))
    for frame in range(1, 1500):
        if random.random() < 0.06:
            names = random.choices(sorted(STANDARD), k=random.randint(1, 3))
            performance.drive([STANDARD[name] for name in names], at=frame * FRAME)
        if random.random() < 0.05:
            mood = random.choice(moods)
        pose = performance.pose(Moment(at=frame * FRAME, mood=mood))  # type: ignore[arg-type]
        for name, value in pose.items():
            assert RANGES[name][0] <= value <= RANGES[name][1], name
            step = abs(value - before.get(name, 0.0))
            assert step <= LARGEST_STEPS[name], (name, frame)
        before = pose


@pytest.mark.parametrize("name", sorted(STANDARD))
def test_what_is_spoken_shows_in_the_midst_of_every_motion(name: str) -> None:
    performance = perform(STANDARD["default"], seed=3)
    performance.drive([STANDARD[name]], at=0)

    hold(performance, None, frames=20)
    closed = hold(performance, "PP", frames=10, start=20)
    opened = hold(performance, "aa", frames=10, start=30)

    assert closed["mouthClose"] >= 0.9
    assert closed["jawOpen"] < 0.03
    assert opened["jawOpen"] > 0.4


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*sorted(STANDARD), None]),
            st.sampled_from(["idle", "listening", "thinking", "speaking"]),
            st.lists(st.sampled_from(VISEMES), max_size=8),
            st.integers(min_value=1, max_value=40),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_happens_the_face_stays_in_range_and_never_jumps(
    scenes: list[tuple[str | None, str, list[str], int]],
) -> None:
    # Invariant: any orders, moods and speech give poses inside the ranges; the head never turns
    # faster than 3.6 degrees in a frame.
    performance = perform(STANDARD["default"], seed=9)
    frame = 0
    poses = []
    for motion, mood, names, frames in scenes:
        if motion is not None:
            performance.drive([STANDARD[motion], STANDARD["default"]], at=frame * FRAME)
        visemes = [Viseme(name=n, start=i * 2000, end=i * 2000 + 2000) for i, n in enumerate(names)]
        for i in range(frames):
            moment = Moment(
                at=frame * FRAME,
                speech_at=i * FRAME if names else None,
                visemes=visemes,
                mood=mood,  # type: ignore[arg-type]
            )
            poses.append(performance.pose(moment))
            frame += 1

    for pose in poses:
        assert all(RANGES[name][0] <= value <= RANGES[name][1] for name, value in pose.items())
    for before, after in itertools.pairwise(poses):
        for name in ("headYaw", "headPitch", "headRoll"):
            assert abs(after[name] - before[name]) < 3.6, name
