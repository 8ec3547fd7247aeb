"""The mathematics of lips, lids and warps: what belongs to whom, and how exactly."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtav.engines.avatar.asset import FaceAsset
from rtav.engines.avatar.channels import RANGES, Pose, both
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.geometry import Geometry
from rtav.engines.avatar.layers import CELL_PX
from rtav.engines.avatar.lips import MOUTH
from rtav.engines.avatar.paint import STEEP, beneath, fill
from rtav.engines.avatar.portrait import ASSETS
from rtav.engines.avatar.renderer import MAX_STEPS_HEAD, Renderer
from rtav.engines.avatar.warp import Warp

SIZE_PX = 512
ASSET = FaceAsset(read_face(ASSETS / "faces" / "face1"), SIZE_PX)
heights = st.lists(st.floats(-5, 40), min_size=2, max_size=12)
mouths = st.fixed_dictionaries(
    {name: st.floats(0, 1) for name in (*MOUTH, *both("mouthSmile"), *both("mouthFrown"))}
)


def curve(ys: list[float]) -> np.ndarray:
    return np.array([np.linspace(2, 60, len(ys)), ys], np.float32)


def test_a_level_edge_covers_its_pixels_in_part() -> None:
    (cover,) = beneath((curve([3.25, 3.25]),), (0, 0), (6, 4))

    assert cover[:, 0].tolist() == [0, 0, 0, 191, 255, 255]


def test_a_growing_opening_grows_by_less_than_a_level_at_a_time() -> None:
    curves = [curve([y / 64, y / 64]) for y in range(256)]
    columns = [int(cover.sum()) for cover in beneath(curves, (0, 0), (4, 1))]

    assert all(0 <= a - b <= 5 for a, b in zip(columns, columns[1:], strict=False))


@given(heights, st.floats(0, 20))
def test_upper_lip_opening_and_lower_lip_share_every_pixel(ys: list[float], gap: float) -> None:
    upper, lower = curve(ys), curve([y + gap for y in ys])
    above, below = beneath((upper, lower), (0, 0), (36, 62))

    assert (above >= below).all()  # or the opening, their difference, would wrap round
    assert ((255 - above).astype(int) + (above - below) + below == 255).all()


@given(heights)
def test_every_pixel_comes_from_the_upper_or_the_lower_field(ys: list[float]) -> None:
    head, lower = np.full((36, 62, 4), 200, np.uint8), np.full((36, 62, 4), 100, np.uint8)

    (mask,) = beneath((curve(ys),), (0, 0), (36, 62))
    fill(head, lower, mask)

    edge = np.interp(np.arange(62) + 0.5, *curve(ys))
    rows = np.arange(36)[:, None] + 0.5
    assert (head[rows <= edge - STEEP / 2] == 200).all()
    assert (head[rows >= edge + STEEP / 2 + 0.01] == 100).all()
    assert 99 <= head.min() <= head.max() <= 200


@settings(max_examples=40)
@given(mouths)
def test_the_lower_lip_is_never_above_the_upper_one(pose: Pose) -> None:
    renderer = Renderer(ASSET)
    renderer.render(pose)

    lips, n = renderer._geometry.pixels("lips"), ASSET.mouth.points
    assert (lips[1, n:] >= lips[1, :n]).all()
    assert (np.diff(lips[0]) > 0).sum() == 2 * n - 2  # from left to right, both


@given(
    st.fixed_dictionaries(
        {
            name: st.floats(*RANGES[name])
            for name in ("jawOpen", "mouthPucker", *both("mouthSmile"), *both("browDown"))
        }
    )
)
def test_the_inverse_of_an_expression_leads_back_within_half_a_pixel(pose: Pose) -> None:
    errors = round_trip_px(pose)

    assert np.median(errors) < 0.05
    assert np.quantile(errors, 0.95) < 0.5


@pytest.mark.parametrize(("yaw", "share"), [(-15.0, 0.8), (-8.0, 0.95), (8.0, 0.95), (15.0, 0.8)])
def test_the_inverse_of_a_turn_leads_back_within_half_a_pixel(yaw: float, share: float) -> None:
    errors = round_trip_px({"headYaw": yaw, "headPitch": 6.0, "jawOpen": 0.6})

    assert np.median(errors) < 0.1
    # beyond the share the cheek folds over the ear, where there is no inverse
    assert np.quantile(errors, share) < 0.5


def round_trip_px(pose: Pose) -> np.ndarray:
    """How far from itself each pixel of the head ends, taken back and then forth."""
    layer = ASSET.layers["head"]
    geometry, warp = Geometry(ASSET), Warp(layer)
    geometry.pose(pose)
    x, y = geometry.pixels("head")
    gx, gy, gx1, gy1 = layer.rect
    box = gx * CELL_PX, gy * CELL_PX, gx1 * CELL_PX, gy1 * CELL_PX
    warp.invert(x, y, box, MAX_STEPS_HEAD)
    room = np.empty((2, SIZE_PX + 16, SIZE_PX + 16), np.float32)
    map_x, map_y = warp.dense(box, room[0], room[1])
    alpha = 255 - layer.picture[..., 3]
    seen = cv2.remap(alpha, map_x, map_y, cv2.INTER_LINEAR) == 255
    at_x, at_y = (
        (m + 0.5) / CELL_PX - 0.5 - g for m, g in zip((map_x, map_y), (gx, gy), strict=True)
    )
    forth = [
        cv2.remap(nodes.reshape(layer.shape).copy(), at_x, at_y, cv2.INTER_LINEAR)
        for nodes in (x, y)
    ]
    rows, columns = np.mgrid[box[1] : box[3], box[0] : box[2]] + 0.5
    return np.hypot(forth[0] - columns, forth[1] - rows)[seen]
