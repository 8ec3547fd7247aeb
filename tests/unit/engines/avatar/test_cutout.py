from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import cv2
import numpy as np
import pytest

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.camera import Camera
from rtav.engines.avatar.cutout import LONG_PX, cut_out
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.landmarks import Point, read_landmarks
from rtav.engines.avatar.picture import UNDER
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import Renderer
from rtav.engines.avatar.staging import Staging
from rtav.engines.look import Look
from rtav.errors import ProtocolError

SIZE = 512


@cache
def portrait(name: str = "face1") -> tuple[np.ndarray, np.ndarray, Mapping[str, Point]]:
    """A face before black (H, W, 3), how much of each point it covers (H, W), its points."""
    face = read_face(ASSETS / "faces" / name)
    staging = Staging(face, SIZE, Look(background="matte"))
    frame = staging.compose([Renderer(asset).render({}) for asset in staging.assets])
    both = cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420).astype(np.float32)
    z, focal, y = face.camera
    camera, arrays = Camera(z=z, focal=focal, y=y, size_px=SIZE), face.arrays
    points = {}
    for i, side in enumerate(("Left", "Right")):
        up, low = camera.project(arrays["lid_up"][i]), camera.project(arrays["lid_low"][i])
        ends = sorted((up[0], up[-1]), key=lambda end: abs(end[0] - SIZE / 2))
        points |= {f"eye{side}Inner": ends[0], f"eye{side}Outer": ends[1]}
        points |= {f"eye{side}Top": up[12], f"eye{side}Bottom": low[12]}
    seam = camera.project(arrays["seam"])
    points |= {"mouthRight": seam[0], "mouthCentre": seam[20], "mouthLeft": seam[-1]}
    points["chin"] = camera.project(np.array([0, -0.93, 0.55]))
    given = {name: [float(v) for v in point] for name, point in points.items()}
    return both[:SIZE], both[SIZE:, :, 0] / 255, read_landmarks(given, SIZE, SIZE)


def before(background: np.ndarray) -> np.ndarray:
    picture, share, _ = portrait()
    laid = picture + background * (1 - share[..., None])
    return np.clip(laid, 0, 255).astype(np.uint8)


def gradient() -> np.ndarray:
    rows = np.linspace(0, 1, SIZE, dtype=np.float32)[:, None, None]
    sky = rows * np.array([190, 205, 215]) + (1 - rows) * np.array([225, 190, 150])
    return sky + np.random.default_rng(1).normal(0, 4, (SIZE, SIZE, 3))


def test_a_face_before_the_sky_is_cut_out() -> None:
    _, share, points = portrait()
    _, alpha, _ = cut_out(before(gradient()), points)

    wrong = np.abs(alpha / 255 - share)
    assert wrong.mean() < 0.015
    assert alpha[:4].max() == 0
    assert alpha[int(points["chin"][1]), int(points["chin"][0])] == 255


def test_nothing_of_the_background_is_left_at_the_outline() -> None:
    _, _, points = portrait()
    vivid = gradient() * 0 + np.array([20.0, 240.0, 20.0])
    picture, alpha, _ = cut_out(before(vivid), points)

    share = alpha[..., None] / 255
    own = (picture - UNDER * (1 - share)) / np.maximum(share, 1 / 255)
    edge = (alpha > 30) & (alpha < 255)
    greenness = (own[..., 1] - own[..., [0, 2]].max(-1))[edge]
    assert np.percentile(greenness, 90) < 60


def test_the_same_picture_is_cut_alike_every_time() -> None:
    _, _, points = portrait()
    ones, others = (cut_out(before(gradient()), points) for _ in range(2))

    assert np.array_equal(ones[0], others[0])
    assert np.array_equal(ones[1], others[1])


def test_a_large_picture_is_made_smaller_with_its_points() -> None:
    _, _, points = portrait()
    large = cv2.resize(before(gradient()), (3072, 3072))
    picture, alpha, moved = cut_out(large, {name: at * 6 for name, at in points.items()})

    assert picture.shape == (LONG_PX, LONG_PX, 3)
    assert alpha.shape == (LONG_PX, LONG_PX)
    assert moved["chin"] == pytest.approx(points["chin"] * 4)


def test_what_cannot_be_told_apart_is_said() -> None:
    _, _, points = portrait()
    with pytest.raises(ProtocolError) as caught:
        cut_out(np.full((SIZE, SIZE, 3), 120, np.uint8), points)
    assert (caught.value.code, caught.value.param) == ("invalid_face", "file")
    assert "keep the original" in caught.value.message


def test_the_stand_in_is_a_face_as_it_is_drawn() -> None:
    """What the other tests compare with."""
    picture, share, _ = portrait()
    asset = FaceAsset(read_face(ASSETS / "faces" / "face1"), SIZE)
    drawn = cv2.cvtColor(Renderer(asset).render({}), cv2.COLOR_YUV2BGR_I420)
    inside = share > 0.999
    assert np.abs(picture[inside] - drawn[inside]).mean() < 2
