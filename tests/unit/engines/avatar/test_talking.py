import cv2
import numpy as np
import pytest

from rtav.engines.avatar.album import KEPT_HEADS, SEVERAL_FRAMES, Speakers
from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer

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


def in_company(asset: FaceAsset) -> list[Renderer]:
    """Two who have spoken beside each other."""
    speakers = [Renderer(asset) for _ in range(2)]
    for one in speakers * 2:
        one.speak({"headYaw": 1.0})
    return speakers


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(cv2.PSNR(a, b))


@pytest.mark.parametrize("head", HEADS)
def test_a_head_with_another_mouth_is_the_face_that_would_have_been_drawn(
    asset: FaceAsset, head: Pose
) -> None:
    for first in MOUTHS:
        for second in MOUTHS:
            one, two = in_company(asset)
            one.speak(head | first)
            shown = two.speak(head | second)

            assert psnr(shown, Renderer(asset).render(head | second)) > 46


def test_only_what_the_mouth_moves_is_drawn_again(asset: FaceAsset) -> None:
    one, two = in_company(asset)

    first = one.speak({"headYaw": 5.0, "jawOpen": 0.1})
    second = two.speak({"headYaw": 5.0, "jawOpen": 0.6})

    rows = np.flatnonzero((first[:SIZE_PX] != second[:SIZE_PX]).any(1))
    assert rows.min() > SIZE_PX * 0.39  # below the eyes
    assert np.abs(first[:SIZE_PX].astype(int) - second[:SIZE_PX]).max() > 60


def test_who_speaks_alone_keeps_no_heads(asset: FaceAsset) -> None:
    alone = Renderer(asset)
    for i in range(20):
        alone.speak({"headYaw": 0.1 * i})

    assert asset.scratch.album.find_head({"headYaw": 0.1 * 19}) is None


def test_heads_are_kept_for_a_moment(asset: FaceAsset) -> None:
    one, two = in_company(asset)
    poses = [{"headYaw": 2.0 + i} for i in range(KEPT_HEADS + 1)]
    for pose in poses:
        one.speak(pose)
        two.speak(pose)

    kept = [asset.scratch.album.find_head(pose) is not None for pose in poses]

    assert kept == [False] + [True] * KEPT_HEADS


def test_company_is_over_when_nobody_else_has_spoken_for_a_moment() -> None:
    speakers = Speakers()
    speakers.speaks("one")
    speakers.speaks("two")

    company = [speakers.speaks("two") for _ in range(SEVERAL_FRAMES + 2)]

    assert company == [True] * (SEVERAL_FRAMES - 1) + [False] * 3


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
    one, two = in_company(asset)

    one.speak(pose)
    shown = two.speak(pose | {"jawOpen": 0.6})

    assert psnr(shown, Renderer(asset).render(pose | {"jawOpen": 0.6})) > 34


def test_a_picture_that_others_speak_with_is_not_changed(asset: FaceAsset) -> None:
    one, two = in_company(asset)
    first = one.speak({"headYaw": 5.0})
    before = first.copy()

    second = two.speak({"headYaw": 5.0, "jawOpen": 0.6})

    assert np.array_equal(first, before)
    assert not second.flags.writeable
