"""Combs fur over a rendered surface: thousands of tapered hairs that lie the way they grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from heads import CAMERA_Y, CAMERA_Z, FOCAL
from numpy.typing import NDArray

Array = NDArray[np.float64]
SHIFT = 4
STEPS = np.array([0.0, 0.3, 0.62, 1.0])  # where a hair is bent
GROUND = 0.72  # of the surface's brightness between the hairs


class Coat(NamedTuple):
    """How hair grows; the functions take (n, 3) points and give head units."""

    grows: Callable[[Array], Array]
    """(n, 3): where the hairs point; their part along the surface counts."""
    length: Callable[[Array], Array]
    """(n,): 0 where there is none."""
    order: Callable[[Array], Array]
    """(n,): hairs with more of it are drawn first, for the others lie over them."""
    lift: float = 0.30
    """How far the hairs stand off, of their length."""
    width_px: float = 2.4
    """At their roots, in a picture 1440 px high."""
    wildness: float = 0.22
    """How much hairs and tufts differ in direction, radians."""


def comb(
    surface: tuple[Array, Array, Array], mask: NDArray[np.bool_], coat: Coat, *, hairs: int
) -> NDArray[np.float32]:
    """(H, W, 4) premultiplied RGBA, 0 to 1: the surface and its fur.

    `surface` is position, normal and colour (RGB 0 to 1), each (H, W, 3), known where `mask` is.
    """
    position, normal, colour = surface
    size = mask.shape[0]
    rng = np.random.default_rng(6)
    canvas = np.zeros((size, size, 4), np.uint8)
    ground = np.clip(colour * GROUND * 255, 0, 255).astype(np.uint8)
    canvas[mask] = np.dstack([ground, np.full(mask.shape, 255, np.uint8)])[mask]
    at = rng.choice(np.flatnonzero(mask), hairs)
    p, n, c = (a.reshape(-1, 3)[at].astype(np.float64) for a in (position, normal, colour))
    length = coat.length(p) * rng.uniform(0.65, 1.2, hairs)
    grown = length > 0.004
    p, n, c, length = p[grown], n[grown], c[grown], length[grown]
    order = np.argsort(-coat.order(p) + rng.normal(0, 0.012, len(p)))
    p, n, c, length = p[order], n[order], c[order], length[order]
    way = _directions(p, n, coat, rng)
    tufts = _smooth_noise(p * 16, 3)
    pale = c.min(1)  # on white, the same contrast looks like dirt
    shade = 1 + (rng.normal(0, 0.10, len(p)) + 0.10 * tufts) * (1 - 0.6 * pale)
    inks = np.clip(c * shade[:, None] * 255, 0, 255)
    outlines = _outlines(p, n, way, length, coat, size)
    for outline, ink in zip(outlines, inks.tolist(), strict=True):
        cv2.fillConvexPoly(canvas, outline, (*ink, 255), cv2.LINE_AA, SHIFT)
    return canvas.astype(np.float32) / 255


def project(points: Array, size: int) -> Array:
    """(..., 3) head units to (..., 2) pixels of a picture `size` px square."""
    scale = FOCAL / (CAMERA_Z - points[..., 2]) * size / 2
    x = size / 2 + points[..., 0] * scale
    return np.stack([x, size / 2 - (points[..., 1] - CAMERA_Y) * scale], -1)


def _directions(p: Array, n: Array, coat: Coat, rng: np.random.Generator) -> Array:
    """(n, 3) unit vectors along the surface."""
    way = coat.grows(p)
    way = way - (way * n).sum(1, keepdims=True) * n
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
    turn = coat.wildness * (1.3 * _smooth_noise(p * 11, 1) + rng.normal(0, 0.6, len(p)))
    across = np.cross(n, way)
    return way * np.cos(turn)[:, None] + across * np.sin(turn)[:, None]


def _smooth_noise(p: Array, seed: int) -> Array:
    """(n,) about -1 to 1, about one feature per unit."""
    rng = np.random.default_rng(seed)
    total = np.zeros(len(p))
    for _ in range(7):
        k, phase = rng.normal(0, 1.0, 3), rng.uniform(0, 6.3)
        total += np.sin(p @ k + phase)
    return total / 3.5


def _outlines(
    p: Array, n: Array, way: Array, length: Array, coat: Coat, size: int
) -> NDArray[np.int32]:
    """(hairs, 7, 2) fixed-point polygons from root to tip and back."""
    s = STEPS[None, :, None]
    fall = np.array([0.0, -0.22, 0.0])
    bend = way[:, None] * s + n[:, None] * (coat.lift * s * (1.25 - 0.6 * s)) + fall * s * s
    line = project(p[:, None] + bend * length[:, None, None], size)
    along = np.gradient(line, axis=1)
    along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-6)
    across = np.stack([-along[..., 1], along[..., 0]], -1)
    half = coat.width_px * size / 1440 / 2 * (1 - STEPS**1.6)[None, :, None]
    left, right = line + across * half, line - across * half
    outline = np.concatenate([left, right[:, 2::-1]], 1)
    return np.rint((outline - 0.5) * (1 << SHIFT)).astype(np.int32)
