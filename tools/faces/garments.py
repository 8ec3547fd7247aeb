"""What people wear, as distance fields, and its colours."""

# ruff: noqa: PLR0913 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math

from heads import BLAZER, CREW_NECK, SHIRT, TURTLENECK
from sdf import bell, capsule, cut, ellipsoid, kernel, noise3, step, union


@kernel
def neck(x, y, z, h):
    d = capsule(x, y, z, 0, -0.55, -0.12, 0, -1.75, -0.28, h.neck, 0.38)
    # the muscles from behind the ears to the pit of the neck
    cord = capsule(
        math.sqrt(x * x + 0.004), y, z, 0.30, -0.62, -0.05, 0.055, -1.52, 0.10, 0.075, 0.05
    )
    d = union(d, cord, 0.10)
    d = union(d, ellipsoid(x, y + 1.92, z + 0.24, 0.85, 0.42, 0.42), 0.30)  # the chest
    bone = capsule(abs(x), y, z, 0.07, -1.63, 0.02, 0.40, -1.58, -0.08, 0.035, 0.04)
    return union(d, bone, 0.09)


@kernel
def _trunk(x, y, z, h):
    ax = abs(x)
    d = ellipsoid(x, y + 2.60, z + 0.38, 1.42 * h.shoulders, 0.98, 0.68)
    d = union(d, ellipsoid(ax - 0.85 * h.shoulders, y + 2.18, z + 0.38, 0.52, 0.42, 0.50), 0.45)
    return union(d, ellipsoid(x, y + 1.72, z + 0.20, 0.62, 0.30, 0.52), 0.30)


@kernel
def _ring(x, y, z, radius, height, rise, thick):
    r = math.sqrt(x * x + (z + 0.24) ** 2 * 1.05)
    return math.sqrt((r - radius) ** 2 + (y - height - rise * (z + 0.2)) ** 2) - thick


@kernel
def _turtleneck(x, y, z, h):
    roll = _ring(x, y, z, h.collar, -1.38, 0.22, 0.085)
    fold = _ring(x, y, z, h.collar + 0.01, -1.51, 0.22, 0.085)
    return union(_trunk(x, y, z, h), union(roll, fold, 0.03), 0.10)


@kernel
def crew_edge(x, y, z, h):
    """Height above the seam of a round neck: it sinks towards the front."""
    return y + 1.48 + 0.42 * (z + 0.20)


@kernel
def _crew(x, y, z, h):
    d = _trunk(x, y, z, h) - 0.015
    edge = crew_edge(x, y, z, h)
    d = cut(d, edge * 0.8, 0.03)
    r = 0.012 * bell(edge + 0.035, 0.030)  # the hem
    return d - r


@kernel
def _collar(x, y, z, h, gap):
    """A shirt's collar: a band around the neck and two leaves that fall from it."""
    ax = abs(x)
    r = math.sqrt(x * x + (z + 0.20) ** 2)
    rise = 0.34 * (z + 0.2)
    radius = h.collar - 0.005 + 0.16 * max(0.0, -(y + 1.36 + rise))
    top = -1.30 - rise
    slab = abs(r - radius - 0.035) - 0.022
    front = step(0.05, 0.30, z)
    low = top - 0.17 - 0.20 * bell(ax - 0.24, 0.13) * front
    d = max(slab, max(y - top, low - y))
    open_ = gap * (1 + 1.1 * max(0.0, top - y) / 0.20)
    return max(d, (open_ - ax) * 0.8 if z > 0.0 else -1.0) - 0.016


@kernel
def _shirt(x, y, z, h):
    d = _trunk(x, y, z, h)
    v = 0.045 + 0.42 * max(0.0, y + 1.78)  # an open button
    d = cut(d, min(v - abs(x), y + 1.42) if z > 0.0 else y + 1.42, 0.02)
    d -= 0.010 * step(0.06, 0.05, abs(x)) * (1.0 if z > 0.0 else 0.0)  # the placket
    return min(d, _collar(x, y, z, h, 0.10))


@kernel
def lapel(x, y):
    """Over 0 on a blazer's lapel, under 0 off it; its notch included."""
    ax = abs(x)
    inner = 0.05 + 0.42 * (y + 2.05)  # the opening's edge
    outer = inner + 0.30 - 0.30 * step(-1.62, -2.20, y)
    if y > -1.66 and y < -1.60:
        outer -= 0.10
    return min(ax - inner, outer - ax)


@kernel
def _blazer(x, y, z, h):
    d = _trunk(x, y, z, h) - 0.035
    ax = abs(x)
    inner = 0.05 + 0.42 * (y + 2.05)
    d = cut(d, (inner - ax) * 0.85 if z > -0.1 else y + 1.40, 0.02)
    if z > -0.1:
        d -= 0.022 * step(0.0, 0.015, lapel(x, y))
    under = _trunk(x, y, z, h)
    edge = y + 1.62 + 0.14 * bell(x, 0.4)
    return min(d, cut(under, edge * 0.8, 0.02))


@kernel
def clothes(x, y, z, h):
    if h.clothes == TURTLENECK:
        return _turtleneck(x, y, z, h)
    if h.clothes == CREW_NECK:
        return _crew(x, y, z, h)
    if h.clothes == SHIRT:
        return _shirt(x, y, z, h)
    return _blazer(x, y, z, h)


@kernel
def cloth_colour(x, y, z, palette, h):
    """Albedo: the weave, and whatever else shows."""
    row = 3
    k = 1 + 0.05 * noise3(x * 60, y * 60, z * 60) + 0.03 * noise3(x * 9, y * 9, z * 9)
    if h.clothes == TURTLENECK:
        rib = 0.5 + 0.5 * math.sin(math.atan2(x, z + 0.3) * 58)
        k *= 1 - 0.16 * step(-1.70, -1.62, y) * rib
    elif h.clothes == CREW_NECK:
        edge = crew_edge(x, y, z, h)
        k *= 1 - 0.22 * bell(edge + 0.075, 0.008)
    elif h.clothes == SHIRT:
        if z > 0.0:
            k *= 1 - 0.18 * bell(abs(x) - 0.055, 0.005) * step(-1.5, -1.6, y)
    elif h.clothes == BLAZER:
        inner = 0.05 + 0.42 * (y + 2.05)
        if z > -0.1 and abs(x) < inner - 0.004:
            row = 5
        else:
            k *= 1 + 0.06 * noise3(x * 25 + y * 60, y * 25 - x * 60, z * 30)
            k *= 1 - 0.25 * bell(lapel(x, y), 0.010)
    return palette[row, 0] * k, palette[row, 1] * k, palette[row, 2] * k
