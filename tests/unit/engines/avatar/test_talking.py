import cv2
import numpy as np
import pytest

from rtav.engines.avatar.album import KEPT_HEADS
from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.geometry import Geometry
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer
from rtav.engines.avatar.steadiness import STEADY
from rtav.engines.avatar.watch import Watch

SIZE_PX = 256
MOUTHS: list[Pose] = [
    {},
    {"mouthClose": 0.9, "mouthRollLower": 0.35},
    {"jawOpen": 0.6, "mouthLowerDownLeft": 0.25, "mouthLowerDownRight": 0.25},
    {"mouthPucker": 0.85, "mouthFunnel": 0.35, "jawOpen": 0.2},
    {"mouthStretch": 0.5, "jawOpen": 0.2, "tongueUp": 0.7},
]
HEADS: list[Pose] = [
    {},
    {"headYaw": 9.0, "headPitch": 4.0, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"headYaw": -9.0, "headRoll": 8.0, "breath": 1.0},
    {"headPitch": -8.0, "headRoll": -8.0, "mouthSmileLeft": 0.5, "gazeX": 10.0},
]


@pytest.fixture
def asset() -> FaceAsset:
    cv2.setNumThreads(1)
    return FaceAsset(read_face(ASSETS / "faces" / "face1"), SIZE_PX)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(cv2.PSNR(a, b))


@pytest.mark.parametrize("head", HEADS)
def test_a_head_with_another_mouth_is_the_face_that_would_have_been_drawn(
    asset: FaceAsset, head: Pose
) -> None:
    for first in MOUTHS:
        for second in MOUTHS:
            Renderer(asset).speak(head | first)
            shown = Renderer(asset).speak(head | second)

            assert psnr(shown, Renderer(asset).render(head | second)) > 46


def test_only_what_the_mouth_moves_is_drawn_again(asset: FaceAsset) -> None:
    first = Renderer(asset).speak({"headYaw": 5.0, "jawOpen": 0.1})
    second = Renderer(asset).speak({"headYaw": 5.0, "jawOpen": 0.6})

    rows = np.flatnonzero((first[:SIZE_PX] != second[:SIZE_PX]).any(1))
    assert rows.min() > SIZE_PX * 0.39  # below the eyes
    assert np.abs(first[:SIZE_PX].astype(int) - second[:SIZE_PX]).max() > 60


def test_speakers_use_each_others_heads(asset: FaceAsset) -> None:
    one, two = Renderer(asset), Renderer(asset)
    whole = one.speak({"headYaw": 5.0, "jawOpen": 0.3})

    assert two.speak({"headYaw": 5.0, "jawOpen": 0.3}) is whole


def test_heads_are_kept_for_a_moment(asset: FaceAsset) -> None:
    poses: list[Pose] = [{"headYaw": 2.0 + i} for i in range(KEPT_HEADS + 1)]
    frames = [Renderer(asset).speak(pose) for pose in poses]

    kept = [Renderer(asset).speak(p) is f for p, f in zip(poses[1:], frames[1:], strict=True)]

    assert kept == [True] * KEPT_HEADS
    assert Renderer(asset).speak(poses[0]) is not frames[0]


def test_a_head_is_drawn_anew_once_it_has_moved_visibly(asset: FaceAsset) -> None:
    """No point of what is shown is farther than STEADY from where it should be."""
    speaker, size = Renderer(asset), SIZE_PX
    watch = Watch(asset)
    drawn: list[Pose] = []
    last = None
    for step in range(60):
        pose = {"headYaw": 0.03 * step, "headRoll": 0.02 * step, "jawOpen": 0.01 * step}
        frame = speaker.speak(pose)
        if last is None or (frame[:60] != last[:60]).any():  # the hair, which no mouth moves
            drawn.append(pose)
        last = frame
        away = watch.bearing(pose).head_px(watch.bearing(drawn[-1]))
        assert away < STEADY * size

    assert 5 < len(drawn) < 15


def test_eyes_move_while_the_head_stays(asset: FaceAsset) -> None:
    speaker = Renderer(asset)
    first = speaker.speak({"headYaw": 5.0})

    for eyes in ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, {"gazeX": 12.0}, {"gazeY": -9.0}):
        second = speaker.speak({"headYaw": 5.05, **eyes})

        rows = np.flatnonzero((first[:SIZE_PX] != second[:SIZE_PX]).any(1))
        assert SIZE_PX * 0.25 < rows.min() < rows.max() < SIZE_PX * 0.45
        assert psnr(second, Renderer(asset).render({"headYaw": 5.0, **eyes})) > 50


@pytest.mark.parametrize("head", HEADS)
def test_other_eyes_and_another_mouth_are_the_face_that_would_have_been_drawn(
    asset: FaceAsset, head: Pose
) -> None:
    speaker = Renderer(asset)
    for mouth in MOUTHS:
        for eyes in ({}, {"eyeBlinkLeft": 0.6}, {"eyeSquintLeft": 1.0, "gazeX": -8.0}):
            pose = head | mouth | eyes

            assert psnr(speaker.speak(pose), Renderer(asset).render(pose)) > 44


def test_where_a_face_is_does_not_depend_on_mouth_and_eyes(asset: FaceAsset) -> None:
    watch, still = Watch(asset), {"headYaw": 4.0, "browInnerUp": 0.3}
    here = watch.bearing(still)
    there = watch.bearing(still | {"jawOpen": 0.5, "eyeBlinkLeft": 1.0})

    assert here.head_px(there) == 0
    assert here.mouth_px(there) > 5
    assert here.eyes_px(there) > 5


def test_what_is_watched_of_a_face_goes_as_far_as_any_of_it(asset: FaceAsset) -> None:
    """The points that are watched stand for all that are seen."""
    watch, geometry = Watch(asset), Geometry(asset)
    seen = {name: layer.seen for name, layer in asset.layers.items()}

    def points(pose: Pose) -> np.ndarray:
        geometry.pose(pose)
        return np.concatenate([geometry.pixels(name)[:, seen[name]] for name in seen], 1)

    for pose in (
        {"headYaw": 1.0}, {"headPitch": -1.0}, {"headRoll": 1.0}, {"headX": 0.02}, {"headZ": 0.1},
        {"browInnerUp": 0.5}, {"mouthSmileLeft": 0.3}, {"headRoll": 1.0, "headPitch": 1.0},
    ):  # fmt: skip
        farthest = float(np.abs(points(pose) - points({})).max())

        assert watch.bearing(pose).head_px(watch.bearing({})) > 0.9 * farthest


@pytest.mark.parametrize(
    "pose",
    [
        {"headX": 9.0},
        {"headX": -0.9},
        {"headX": 0.9},
        {"headY": -9.0},
        {"headY": -0.9},
        {"headY": 0.9},
        {"headZ": -30.0},
        {"headZ": 1.5},
        {"headRoll": 90.0},
    ],
)
def test_speakers_at_or_beyond_the_frames_edge_are_drawn(asset: FaceAsset, pose: Pose) -> None:
    Renderer(asset).speak(pose)
    shown = Renderer(asset).speak(pose | {"jawOpen": 0.6})

    assert psnr(shown, Renderer(asset).render(pose | {"jawOpen": 0.6})) > 34


def test_a_picture_that_others_speak_with_is_not_changed(asset: FaceAsset) -> None:
    first = Renderer(asset).speak({"headYaw": 5.0})
    before = first.copy()

    second = Renderer(asset).speak({"headYaw": 5.0, "jawOpen": 0.6})

    assert np.array_equal(first, before)
    assert not second.flags.writeable
