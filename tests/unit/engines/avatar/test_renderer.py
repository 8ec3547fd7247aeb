import dataclasses

import cv2
import numpy as np
import pytest

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import Pose, both
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer

SIZE_PX = 256


@pytest.fixture(scope="module")
def asset() -> FaceAsset:
    cv2.setNumThreads(1)
    return FaceAsset(read_face(ASSETS / "faces" / "face1"), SIZE_PX)


def luma(asset: FaceAsset, pose: Pose) -> np.ndarray:
    return Renderer(asset).render(pose)[:SIZE_PX].astype(int)


def changed(asset: FaceAsset, pose: Pose, *, base: Pose | None = None) -> tuple[int, int, int, int]:
    """The rectangle (x0, y0, x1, y1) of pixels that `pose` changes by more than 12 levels."""
    where = np.argwhere(np.abs(luma(asset, pose) - luma(asset, base or {})) > 12)
    (y0, x0), (y1, x1) = where.min(0), where.max(0)
    return int(x0), int(y0), int(x1), int(y1)


def test_the_picture_does_not_depend_on_what_was_shown_before(asset: FaceAsset) -> None:
    pose = {"jawOpen": 0.6, "headYaw": 12.0, "headPitch": 5.0, "eyeBlinkLeft": 0.4}
    used = Renderer(asset)
    for before in ({"headYaw": -15.0}, {"jawOpen": 1.0, "headRoll": 10.0}, {}):
        used.render(before)

    assert np.array_equal(used.render(pose), Renderer(asset).render(pose))


def test_what_has_hardly_moved_is_the_same_picture(asset: FaceAsset) -> None:
    renderer = Renderer(asset)
    drawn = renderer.render({"headYaw": 3.0})

    assert np.array_equal(renderer.render({"headYaw": 3.01}), drawn)
    assert not np.array_equal(renderer.render({"headYaw": 3.2}), drawn)
    assert not np.array_equal(renderer.render({"headYaw": 3.2, "breath": 0.5}), drawn)


def test_small_movements_add_up(asset: FaceAsset) -> None:
    renderer = Renderer(asset)
    first = renderer.render({})
    for step in range(100):
        last = renderer.render({"headYaw": 0.01 * step})

    assert np.abs(last[:SIZE_PX].astype(int) - luma(asset, {"headYaw": 0.99})).mean() < 0.3
    assert np.abs(last[:SIZE_PX].astype(int) - first[:SIZE_PX]).mean() > 0.5


def test_the_mouth_opens_in_the_lower_middle_of_the_face(asset: FaceAsset) -> None:
    x0, y0, x1, y1 = changed(asset, {"jawOpen": 0.7})

    assert 70 < x0 < x1 < 186
    assert 110 < y0 < y1 < 200


def test_an_open_mouth_is_dark_inside(asset: FaceAsset) -> None:
    frame = luma(asset, {"jawOpen": 1.0})

    assert frame[130:180, 110:146].min() < 40


def test_a_wink_shuts_the_subjects_left_eye(asset: FaceAsset) -> None:
    x0, y0, x1, y1 = changed(asset, {"eyeBlinkLeft": 1.0})

    assert 128 < x0 < x1 < 190  # the viewer's right
    assert 70 < y0 < y1 < 120


def test_gaze_moves_the_eyes_only(asset: FaceAsset) -> None:
    x0, y0, x1, y1 = changed(asset, {"gazeX": 15.0})

    assert (x0, x1) == pytest.approx((85, 171), abs=12)
    assert 80 < y0 < y1 < 110


def test_shut_eyes_do_not_show_where_they_look(asset: FaceAsset) -> None:
    shut = dict.fromkeys(both("eyeBlink"), 1.0)

    assert np.array_equal(luma(asset, shut), luma(asset, shut | {"gazeX": 15.0}))


def test_breath_moves_the_body_and_not_the_face(asset: FaceAsset) -> None:
    _, y0, _, y1 = changed(asset, {"breath": 1.0})

    assert y0 > SIZE_PX * 0.6
    assert y1 > SIZE_PX * 0.8


def test_lips_pressed_together_show_no_hole(asset: FaceAsset) -> None:
    pressed = {"mouthClose": 1.0, "mouthRollLower": 1.0, "mouthRollUpper": 1.0}

    assert luma(asset, pressed)[120:160, 100:156].min() > 50  # the line between them; holes: 35


@pytest.mark.parametrize(
    "pose",
    [
        {"headYaw": 15.0, "headPitch": 12.0, "headRoll": -12.0},
        {"headYaw": -15.0, "headPitch": -12.0, "headX": -0.25, "headY": 0.25, "headZ": 0.5},
        {"headX": 9.0},
        {"headY": -9.0, "jawOpen": 1.0},
        {"headZ": -30.0},
        {"headRoll": 90.0, "jawOpen": 1.0},
    ],
)
def test_a_head_at_or_beyond_the_frames_edge_is_drawn(asset: FaceAsset, pose: Pose) -> None:
    assert Renderer(asset).render(pose).shape == (SIZE_PX * 3 // 2, SIZE_PX)


def test_what_lies_beside_the_head_is_the_scene_untouched(asset: FaceAsset) -> None:
    shown, gone = luma(asset, {"jawOpen": 0.8, "headRoll": 6.0}), luma(asset, {"headX": 9.0})

    assert np.array_equal(shown[:80, :20], gone[:80, :20])


def test_sizes_show_the_same_face() -> None:
    face = read_face(ASSETS / "faces" / "face2")
    small, large = (Renderer(FaceAsset(face, size)).render({}) for size in (256, 512))

    shrunk = cv2.resize(large[:512], (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small[:256]).mean() < 2.5


@pytest.mark.parametrize("yaw", [-14.0, 0.0, 14.0])
def test_rectangles_that_skip_blending_change_nothing(yaw: float) -> None:
    face = read_face(ASSETS / "faces" / "face1")
    quick, thorough = FaceAsset(face, 512), FaceAsset(face, 512)
    assert any(layer.holes for layer in quick.layers.values())
    for name, layer in thorough.layers.items():
        thorough.layers[name] = dataclasses.replace(layer, holes=())
    pose = {"headYaw": yaw, "headPitch": 6.0, "jawOpen": 0.5, "mouthSmileLeft": 1.0}

    assert np.array_equal(Renderer(quick).render(pose), Renderer(thorough).render(pose))
