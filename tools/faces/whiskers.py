"""Brows and beards: short hair that lies on the face and moves with it."""

from __future__ import annotations

import numpy as np
from anatomy import SKIN, beard
from combing import Points, ramp, solid_at, unit
from heads import Head
from march import OF_SKIN, Picture
from numba import njit, prange
from numpy.typing import NDArray
from strands import Strands


@njit(parallel=True)
def _share(points, h):
    found = np.zeros(len(points))
    for n in prange(len(points)):
        found[n] = beard(points[n, 0], points[n, 1], points[n, 2], h)
    return found


def brows_of(head: Head, colour: NDArray[np.float64]) -> Strands:
    """Both brows: combed up at the nose, outwards at the temples."""
    rng = np.random.default_rng(11)
    n, s = 360, 8
    u = rng.random(n) ** 0.9
    v = np.clip(rng.normal(0, 0.33, n), -0.75, 0.75)
    v *= 0.45 + 0.55 * ramp(0.0, 0.30, u)
    rise = head.brow_arch * np.sin(np.minimum(1.0, u) * 2.35)
    x = head.brow_x + head.brow_length * u
    thick = head.brow_width * (1 - 0.68 * u**1.3)
    y = head.brow_y + rise - 0.075 * np.maximum(0, u - 0.55) + v * thick
    lean = np.stack([0.55 + 0.85 * u, 0.75 - 1.15 * u - 0.9 * v, 0 * u], -1)
    lean += rng.normal(0, 0.13, lean.shape)
    long = 0.052 * (0.60 + 0.40 * ramp(0, 0.3, u) - 0.30 * u) * rng.uniform(0.7, 1.15, n)
    roots = np.stack([x, y, np.full(n, 0.8)], -1)
    parts = []
    for side in (1.0, -1.0):
        way, p = unit(lean) * [side, 1, 1], roots * [side, 1, 1]
        parts.append(_lay(p, way, long, s, head, lift=0.006))
    points = np.concatenate(parts)
    tone = np.exp(rng.normal(0, 0.18, (2 * n, 1)))
    width = 0.0046 * rng.uniform(0.7, 1.2, 2 * n)
    return Strands(
        points.astype(np.float32), (colour * tone).astype(np.float32), width.astype(np.float32)
    )


def _locks(p: Points) -> Points:
    """(n, 1): how much brighter, as a logarithm, than the rest of the beard."""
    x, y, z = p.T
    wave = np.sin(13 * x + 4 * y) * np.sin(11 * y + 5 * z) + 0.6 * np.sin(29 * x - 9 * y)
    return 0.13 * wave[:, None]


def beard_of(head: Head, colour: NDArray[np.float64], picture: Picture, long: float) -> Strands:
    """A short beard, combed down."""
    rng = np.random.default_rng(12)
    rows, columns = np.nonzero(picture.material == OF_SKIN)
    points = picture.position[rows, columns].astype(np.float64)
    share = _share(points, head)
    chosen = points[rng.choice(len(points), 15000, p=share / share.sum())]
    chosen = chosen + rng.normal(0, 0.004, chosen.shape)
    way = np.stack([chosen[:, 0] * 0.5, np.full(len(chosen), -1.0), 0.25 + 0 * chosen[:, 0]], -1)
    lip = chosen[:, 1] > head.mouth_y
    way[lip, 0] += np.sign(chosen[lip, 0]) * 0.55
    way += rng.normal(0, 0.30, way.shape)
    edge = 0.35 + 0.65 * _share(chosen, head)
    below = 0.7 + 0.6 * ramp(-0.5, -0.9, chosen[:, 1])
    length = long * edge * below * rng.uniform(0.6, 1.1, len(chosen))
    length[lip & (np.abs(chosen[:, 0]) < head.mouth)] *= 0.80
    grown = _lay(chosen, unit(way), length, 8, head, lift=0.35 * long)
    tone = np.exp(rng.normal(0, 0.30, (len(chosen), 1)) + _locks(chosen))
    width = 0.0050 * rng.uniform(0.7, 1.2, len(chosen))
    return Strands(
        grown.astype(np.float32), (colour * tone).astype(np.float32), width.astype(np.float32)
    )


def _lay(
    roots: Points, way: Points, length: NDArray[np.float64], s: int, head: Head, lift: float
) -> Points:
    """(n, s, 3): hairs that lie on the skin."""
    p, points = roots, []
    for i in range(s):
        t = i / (s - 1)
        solid = solid_at(p, SKIN, head)
        p = p + solid[:, 1:] * (0.002 + lift * t - solid[:, :1])
        points.append(p)
        p = p + way * (length / (s - 1))[:, None]
    return np.stack(points, 1)
