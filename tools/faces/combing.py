"""Combs hair: guides grown over a head, and the strands that follow them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from anatomy import EVERYTHING, SKIN, distance, scalp
from heads import Head
from numba import njit, prange
from numpy.typing import NDArray
from strands import Strands

Points = NDArray[np.float64]  # (n, 3)
Random = np.random.Generator
SKULL = np.array([0.0, 0.28, -0.10])


@njit(fastmath=True, parallel=True)
def solid_at(points, scene, h):
    """How far each of `points` (n, 3) is from the head, and the direction away from it."""
    found = np.zeros((len(points), 4))
    e = 0.006
    for n in prange(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        d = distance(x, y, z, scene, h)
        nx = distance(x + e, y, z, scene, h) - d
        ny = distance(x, y + e, z, scene, h) - d
        nz = distance(x, y, z + e, scene, h) - d
        k = 1 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
        found[n, 0], found[n, 1], found[n, 2], found[n, 3] = d, nx * k, ny * k, nz * k
    return found


@njit(parallel=True)
def _share(points, h):
    found = np.zeros(len(points))
    for n in prange(len(points)):
        found[n] = scalp(points[n, 0], points[n, 1], points[n, 2], h)
    return found


def unit(v: Points) -> Points:
    return v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)


def ramp(a: float, b: float, t: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.clip((t - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


class Cut(NamedTuple):
    """A way to wear one part of the hair. `roots` are (n, 3), `t` runs from 0 to 1 along a hair."""

    flow: Callable[[Points, Points, float], Points]
    """(points, roots, t) to where the hair is combed there."""
    length: Callable[[Points], NDArray[np.float64]]
    lift: Callable[[Points, Points, float], NDArray[np.float64]]
    """How far from the head it is worn."""
    where: Callable[[Points], NDArray[np.float64]] = lambda roots: np.ones(len(roots))
    """Share of the roots that are worn like this."""
    keeps: Callable[[Points], NDArray[np.bool_]] = lambda p: np.ones(len(p), bool)
    """What the scissors leave: of (n, 3)."""
    side: Callable[[Points], NDArray[np.int64]] = lambda roots: np.zeros(len(roots), np.int64)
    """Locks do not cross from one to another."""
    guides: int = 900
    strands: int = 16000
    points: int = 24
    stiff: float = 0.55
    hug: float = 0.6
    spring: float = 0.35
    """How far hair stands off at its root."""
    stray: float = 0.10
    clump: float = 0.75
    curl: tuple[float, float] = (0.0, 1.0)
    """Radius of the curls, and how many there are."""
    wave: tuple[float, float] = (0.0, 1.0)
    width: float = 0.0052
    flyaway: float = 0.02
    wild: float = 2.5
    variety: float = 0.16
    """Of the tones, from lock to lock."""
    face: float = 0.0
    """How wide the opening for the face is kept; 0: hair may fall into it."""


def _roots(cut: Cut, head: Head, count: int, rng: Random) -> Points:
    """`count` points on the scalp, as dense as the hair."""
    found: list[Points] = []
    have = 0
    while have < count:
        p = unit(rng.normal(size=(4 * count, 3))) * [head.skull_width, head.skull_height, 0.86]
        p += SKULL
        for _ in range(3):
            solid = solid_at(p, SKIN, head)
            p -= solid[:, 1:] * solid[:, :1]
        p = p[rng.random(len(p)) < _share(p, head) * cut.where(p)]
        found.append(p)
        have += len(p)
    return np.concatenate(found)[:count]


def _grow(cut: Cut, head: Head, roots: Points, rng: Random) -> Points:
    """(n, s, 3): every root's hair, combed."""
    s = cut.points
    normal = solid_at(roots, SKIN, head)[:, 1:]
    own = rng.normal(0, cut.stray, roots.shape)
    way = unit(cut.spring * normal + cut.flow(roots, roots, 0.0) + own)
    step = (cut.length(roots) / (s - 1))[:, None]
    extra = rng.random(len(roots)) ** 2
    p, points = roots, [roots]
    for i in range(1, s):
        t = i / (s - 1)
        want = unit(cut.flow(p, roots, t) + own)
        way = unit(way * cut.stiff + want * (1 - cut.stiff))
        q = p + way * step
        solid = solid_at(q, EVERYTHING, head)
        wanted = cut.lift(q, roots, t) * (0.7 + 0.6 * extra)
        short = wanted - solid[:, 0]
        q += solid[:, 1:] * np.where(short > 0, short * min(1.0, 6 * t), short * cut.hug)[:, None]
        if cut.face:
            q = _out_of_face(q, cut.face)
        way = unit(q - p)
        p = p + way * np.minimum(np.linalg.norm(q - p, axis=1, keepdims=True), 1.25 * step)
        points.append(p)
    return np.stack(points, 1)


def _out_of_face(p: Points, width: float) -> Points:
    centre, radii = np.array([0.0, -0.35, 0.95]), np.array([width, 1.02, 0.86])
    u = (p - centre) / radii
    r = np.linalg.norm(u, axis=1, keepdims=True)
    u[:, 2] *= 0.3
    return np.where(r < 1, p + unit(u / radii) * (1 - r) * 0.8, p)


def _cut(points: Points, keeps: Callable[[Points], NDArray[np.bool_]]) -> Points:
    """Every hair up to the first point the scissors take, with as many points as before."""
    n, s = points.shape[:2]
    kept = keeps(points.reshape(-1, 3)).reshape(n, s)
    last = np.where(kept.all(1), s - 1, np.maximum(kept.argmin(1), 2)).astype(np.float64)
    at = np.linspace(0, 1, s)[None] * last[:, None]
    i = np.minimum(at.astype(np.int64), s - 2)
    f = (at - i)[..., None]
    rows = np.arange(n)[:, None]
    return points[rows, i] * (1 - f) + points[rows, i + 1] * f


def _follow(cut: Cut, guides: Points, roots: Points, rng: Random) -> tuple[Points, NDArray]:
    """(n, s, 3): a hair from every root beside the nearest guide, and which that is."""
    nearest = np.zeros(len(roots), np.int64)
    sides, own = cut.side(guides[:, 0]), cut.side(roots)
    for side in np.unique(own):
        mine, theirs = np.flatnonzero(own == side), np.flatnonzero(sides == side)
        if not len(theirs):
            theirs = np.arange(len(guides))
        for part in np.array_split(mine, max(1, len(mine) // 2000)):
            away = np.linalg.norm(roots[part, None] - guides[None, theirs, 0], axis=2)
            nearest[part] = theirs[away.argmin(1)]
    lock, s = guides[nearest], guides.shape[1]
    t = np.linspace(0, 1, s)[None, :, None]
    beside = (roots - lock[:, 0])[:, None]
    spread = 1 - cut.clump * t**0.7 + cut.clump * 0.25 * t**6
    points = lock + beside * spread
    tangent = unit(np.gradient(points, axis=1))
    across = unit(np.cross(tangent, [0.31, 0.2, 0.93]))
    over = np.cross(tangent, across)
    n = len(roots)
    for (size, turns), helix in ((cut.curl, True), (cut.wave, False)):
        if not size:
            continue
        phase = rng.uniform(0, 2 * np.pi, len(guides))[nearest][:, None, None]
        phase = phase + rng.normal(0, 0.35, (n, 1, 1))
        speed = rng.uniform(0.8, 1.2, len(guides))[nearest][:, None, None]
        angle = 2 * np.pi * turns * speed * t + phase
        grow = np.minimum(1, 4 * t)
        points = points + size * grow * np.cos(angle) * across
        if helix:
            points = points + size * grow * np.sin(angle) * over
    long = np.linalg.norm(np.diff(lock, axis=1), axis=-1).sum(1)[:, None, None]
    bend = np.sin(t * rng.uniform(1.5, 4.0, (n, 1, 1)) + rng.uniform(0, 6.28, (n, 1, 3)))
    loose = rng.normal(0, 0.020, (n, 1, 3)) + 0.014 * bend
    wild = np.where(rng.random((n, 1, 1)) < cut.flyaway, cut.wild, 1.0)
    return points + loose * long * wild * t, nearest


def wear(cut: Cut, head: Head, colour: NDArray[np.float64], seed: int) -> Strands:
    """The strands of one part of the hair."""
    rng = np.random.default_rng(seed)
    guides = _grow(cut, head, _roots(cut, head, cut.guides, rng), rng)
    guides = _cut(guides, cut.keeps)
    roots = _roots(cut, head, cut.strands, rng)
    points, lock = _follow(cut, guides, roots, rng)
    locks = cut.variety * np.clip(rng.normal(size=len(guides)), -1.6, 1.3)
    tone = np.exp(locks[lock] + rng.normal(0, 0.10, len(roots)))
    warm = 1 + rng.normal(0, 0.05, (len(guides), 1))[lock] * np.array([[1.0, 0.0, -1.0]])
    width = cut.width * rng.uniform(0.7, 1.2, len(roots))
    return Strands(
        points.astype(np.float32),
        (colour * tone[:, None] * warm).astype(np.float32),
        width.astype(np.float32),
    )


class Knot(NamedTuple):
    """A bun: hair wound into a ball."""

    centre: tuple[float, float, float]
    radius: float
    strands: int = 5000
    points: int = 26
    width: float = 0.0052


def tie(knot: Knot, colour: NDArray[np.float64], seed: int) -> Strands:
    """The strands of a bun: arcs of great circles, most of them wound one way, in locks."""
    rng = np.random.default_rng(seed)
    n, locks = knot.strands, 40
    lock = rng.integers(0, locks, n)
    axis = unit(np.array([0.25, 0.55, 0.75]) + rng.normal(0, 0.55, (locks, 3)))[lock]
    axis = unit(axis + rng.normal(0, 0.05, (n, 3)))
    first = unit(np.cross(axis, [0.9, 0.1, -0.3]))
    second = np.cross(axis, first)
    height = np.clip(rng.normal(0, 0.45, locks)[lock] + rng.normal(0, 0.07, n), -0.85, 0.85)
    start = rng.uniform(0, 6.28, locks)[lock] + rng.normal(0, 0.3, n)
    angle = start[:, None] + np.linspace(0, 2.4, knot.points)[None]
    round_ = np.sqrt(1 - height**2)[:, None, None]
    shell = (0.90 + 0.12 * rng.random(locks)[lock] + rng.normal(0, 0.012, n))[:, None, None]
    arc = np.cos(angle)[..., None] * first[:, None] + np.sin(angle)[..., None] * second[:, None]
    points = (arc * round_ + axis[:, None] * height[:, None, None]) * shell * knot.radius
    points = points * [1.12, 0.92, 1.0] + knot.centre
    loose = rng.random((n, 1, 1)) < 0.02
    t = np.linspace(0, 1, knot.points)[None, :, None]
    points = points + loose * t * rng.normal(0, 0.05, (n, 1, 3))
    tone = 1.35 * np.exp(rng.normal(0, 0.30, locks)[lock] + rng.normal(0, 0.1, n))
    width = knot.width * rng.uniform(0.7, 1.2, n)
    return Strands(
        points.astype(np.float32),
        (colour * tone[:, None]).astype(np.float32),
        width.astype(np.float32),
    )
