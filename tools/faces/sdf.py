"""Distance fields and noise that the anatomy is built from (compiled by numba)."""

# ruff: noqa: PLR0913, PLR0915 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math

from numba import njit

kernel = njit(fastmath=True)
inlined = njit(fastmath=True, inline="always")


@inlined
def union(a, b, k):
    """The nearer of two distances, rounded over `k`."""
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - h * h * k * 0.25


@inlined
def cut(a, b, k):
    """The farther of two distances, rounded over `k`."""
    return -union(-a, -b, k)


@inlined
def ellipsoid(x, y, z, rx, ry, rz):
    k0 = math.sqrt((x / rx) ** 2 + (y / ry) ** 2 + (z / rz) ** 2) + 1e-9
    k1 = math.sqrt((x / (rx * rx)) ** 2 + (y / (ry * ry)) ** 2 + (z / (rz * rz)) ** 2) + 1e-9
    return k0 * (k0 - 1.0) / k1


@inlined
def capsule(x, y, z, ax, ay, az, bx, by, bz, ra, rb):
    """From a (radius `ra`) to b (radius `rb`)."""
    px, py, pz, dx, dy, dz = x - ax, y - ay, z - az, bx - ax, by - ay, bz - az
    h = min(1.0, max(0.0, (px * dx + py * dy + pz * dz) / (dx * dx + dy * dy + dz * dz)))
    qx, qy, qz = px - dx * h, py - dy * h, pz - dz * h
    return math.sqrt(qx * qx + qy * qy + qz * qz) - (ra + (rb - ra) * h)


@inlined
def bell(t, width):
    return math.exp(-(t / width) * (t / width))


@inlined
def step(a, b, t):
    """0 at `a`, 1 at `b`, smooth between; `a` may be the greater."""
    t = min(1.0, max(0.0, (t - a) / (b - a)))
    return t * t * (3 - 2 * t)


@kernel
def _hash(n):
    s = math.sin(n * 127.1 + 11.7) * 43758.5453
    return s - math.floor(s)


@kernel
def noise(t):
    """Value noise in one dimension, -1 to 1, about one feature per unit."""
    i = math.floor(t)
    f = t - i
    f = f * f * (3 - 2 * f)
    return 2.0 * (_hash(i) * (1 - f) + _hash(i + 1.0) * f) - 1.0


@kernel
def _corner(i, j, k):
    s = math.sin(i * 127.1 + j * 311.7 + k * 74.7) * 43758.5453
    return s - math.floor(s)


@kernel
def noise3(x, y, z):
    """Value noise in space, -1 to 1, about one feature per unit."""
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    a, b, c = x - i, y - j, z - k
    a, b, c = a * a * (3 - 2 * a), b * b * (3 - 2 * b), c * c * (3 - 2 * c)
    near = (_corner(i, j, k) * (1 - a) + _corner(i + 1, j, k) * a) * (1 - b)
    near += (_corner(i, j + 1, k) * (1 - a) + _corner(i + 1, j + 1, k) * a) * b
    far = (_corner(i, j, k + 1) * (1 - a) + _corner(i + 1, j, k + 1) * a) * (1 - b)
    far += (_corner(i, j + 1, k + 1) * (1 - a) + _corner(i + 1, j + 1, k + 1) * a) * b
    return 2.0 * (near * (1 - c) + far * c) - 1.0


@kernel
def spots(x, y, cell, chance):
    """0 to 1: round spots scattered over a plane, at most one in every square of side `cell`."""
    u, v = x / cell, y / cell
    i, j = math.floor(u), math.floor(v)
    found = 0.0
    if _corner(i, j, 3.0) < chance:
        cx, cy = 0.3 + 0.4 * _corner(i, j, 5.0), 0.3 + 0.4 * _corner(i, j, 7.0)
        r = 0.10 + 0.16 * _corner(i, j, 9.0)
        found = math.exp(-(((u - i - cx) ** 2 + (v - j - cy) ** 2) / (r * r)))
    return found
