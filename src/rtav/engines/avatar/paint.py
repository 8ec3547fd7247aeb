"""Pixels: compositing and sub-pixel polygons with OpenCV.

Layers are premultiplied BGR with the inverse of alpha in channel 3, so that "over" is
`dst * inverse + layer`. Everything has four channels: OpenCV's paths for three are half as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.camera import F32

U8 = NDArray[np.uint8]
Polygon = NDArray[np.int32]  # (n, 2) fixed point, SHIFT bits behind the point

Rect = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels or nodes, half open."""

SHIFT = 4  # without sub-pixel edges lids and lips jump by pixels when the head idles
AA = cv2.LINE_AA
STEEP = 4.0  # rows per column; edges that are steeper are short
CLEAR = (0, 0, 0, 255)  # nothing, in inverse-alpha form
INV255 = 1.0 / 255.0


def room(scratch: U8, height: int, width: int) -> U8:
    """(height, width, 4) bytes of `scratch`, in one piece.

    Cutting a window out of a larger picture leaves gaps of a power of two between the rows, which
    evict each other from the cache: a tenth of a frame's time.
    """
    return scratch.reshape(-1)[: height * width * 4].reshape(height, width, 4)


def sample(picture: U8, map_x: F32, map_y: F32, into: U8) -> U8:
    """The pixels of `picture` that the maps name. `into` is scratch of their size or larger."""
    h, w = map_x.shape
    drawn = cv2.remap(
        picture,
        map_x,
        map_y,
        cv2.INTER_LINEAR,
        dst=room(into, h, w),
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=CLEAR,
    )
    return cast(U8, drawn)


def premultiplied(image: NDArray[Any]) -> U8:  # Any: uint8 or float32
    """(H, W, 4) straight BGRA, 0 to 255, with its colours multiplied by alpha."""
    out = image.astype(np.float32)
    out[..., :3] *= out[..., 3:] / 255.0
    return cast(U8, np.clip(out + 0.5, 0, 255).astype(np.uint8))


def inverted(image: U8) -> U8:
    """A copy with the inverse of alpha in channel 3."""
    out = image.copy()
    out[..., 3] = 255 - out[..., 3]
    return out


def over(dst: U8, layer: U8, scratch: U8) -> None:
    """Lay `layer` over `dst`, in place. `scratch` is of the layer's size or larger.

    The alpha plane is spread over the channels with 32-bit integers: a third of merge's time.
    """
    h, w = layer.shape[:2]
    inverse = room(scratch, h, w)
    spread = inverse.view(np.uint32)[..., 0]
    np.right_shift(layer.view(np.uint32)[..., 0], 24, out=spread)
    np.multiply(spread, 0x01010101, out=spread)
    cv2.multiply(dst, inverse, dst, INV255)
    cv2.add(dst, layer, dst)


def mix(dst: U8, src: U8, mask: U8, shade: U8 | None = None) -> None:
    """Put `src` (darkened by `shade`) into `dst` where `mask` says; `src` is overwritten.

    `dst`, `src` are (H, W, 4); `mask`, `shade` (H, W).
    """
    gain = mask if shade is None else cv2.multiply(mask, shade, None, INV255)
    cv2.multiply(src, cv2.cvtColor(gain, cv2.COLOR_GRAY2BGRA), src, INV255)
    keep = cv2.cvtColor(cv2.bitwise_not(mask), cv2.COLOR_GRAY2BGRA)
    cv2.multiply(dst, keep, dst, INV255)
    cv2.add(dst, src, dst)


def beneath(curves: Sequence[F32], corner: tuple[int, int], shape: tuple[int, int]) -> list[U8]:
    """How much of each pixel lies below each curve, (height, width), 0 to 255.

    A curve is (2, n), continuous pixels from left to right, `corner` the pixel at [0, 0]. What is
    never above another curve covers no more than that. OpenCV draws nearly level edges of polygons
    in steps of a whole pixel; lips and lids are such edges.
    """
    height, width = shape
    x = np.arange(width, dtype=np.float32) + np.float32(corner[0] + 0.5)
    tops = [np.interp(x, *curve).astype(np.float32) - np.float32(corner[1]) for curve in curves]
    gain = 1 / softness(tops)
    rows = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)
    covers = []
    for top in tops:
        cover = rows * gain
        cover += np.float32(0.5) - top * gain
        np.multiply(np.clip(cover, 0, 1, out=cover), np.float32(255), out=cover)
        covers.append(cover.astype(np.uint8))
    return covers


def softness(tops: Sequence[F32]) -> F32:
    """(width,): over how many rows edges fade that are at these heights: steep ones over more."""
    soft = np.ones_like(tops[0])
    for top in tops:
        np.maximum(soft[1:-1], np.abs(top[2:] - top[:-2]) * np.float32(0.5), out=soft[1:-1])
    return np.minimum(soft, np.float32(STEEP))


def fill(dst: U8, src: U8, mask: U8) -> None:
    """Replace all four channels of `dst` by `src` as far as `mask` says; `src` is overwritten."""
    spread = cv2.cvtColor(mask, cv2.COLOR_GRAY2BGRA)
    spread[..., 3] = mask
    cv2.multiply(src, spread, src, INV255)
    cv2.bitwise_not(spread, spread)
    cv2.multiply(dst, spread, dst, INV255)
    cv2.add(dst, src, dst)


def polygon(points: F32, x0: float, y0: float) -> Polygon:
    """(2, n) continuous pixels as a polygon relative to the pixel (x0, y0)."""
    corner = np.array([x0 + 0.5, y0 + 0.5], np.float32)
    fixed: Polygon = np.rint((points.T - corner) * np.float32(16)).astype(np.int32)
    return fixed


def fixed(x: float, y: float) -> tuple[int, int]:
    """Continuous pixels as a fixed-point centre for OpenCV's circle."""
    return round((x - 0.5) * 16), round((y - 0.5) * 16)


def without(box: Rect, holes: list[Rect]) -> list[Rect]:
    """`box` minus `holes`, as disjoint rectangles."""
    left = [box]
    for hole in holes:
        left = [piece for rect in left for piece in _cut(rect, hole)]
    return left


def _cut(rect: Rect, hole: Rect) -> list[Rect]:
    x0, y0, x1, y1 = rect
    a, b, c, d = max(x0, hole[0]), max(y0, hole[1]), min(x1, hole[2]), min(y1, hole[3])
    if a >= c or b >= d:
        return [rect]
    around = ((x0, y0, x1, b), (x0, d, x1, y1), (x0, b, a, d), (c, b, x1, d))
    return [r for r in around if r[2] > r[0] and r[3] > r[1]]


def within(rect: Rect, outer: Rect) -> tuple[slice, slice]:
    """Where `rect` is in an array that shows `outer`."""
    x0, y0 = outer[:2]
    return slice(rect[1] - y0, rect[3] - y0), slice(rect[0] - x0, rect[2] - x0)
