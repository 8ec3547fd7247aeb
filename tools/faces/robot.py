"""A robot: a glossy shell around dark glass, behind which eyes, brows and mouth are of light."""

# ruff: noqa: PLR0913, PLR0915 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math

import numpy as np
from anatomy import BODY, EYES, HAIR_BACK, HEAD, SKIN
from heads import Person
from light import EXPOSURE, KEY, backdrop
from march import (
    OF_CLOTH,
    OF_EYE,
    OF_SKIN,
    Picture,
    linear,
    marcher,
    openness,
    shadows,
    tone,
)
from numpy.typing import NDArray
from sdf import bell, capsule, cut, kernel, step, union

__all__ = ["OVERSAMPLING", "backdrop", "inside", "photograph"]

OVERSAMPLING = 2
ALL = 9  # a scene of its own: everything that throws a shadow
OF_GLASS, OF_DARK, OF_LAMP = 7, 8, 9
EYE_X, EYE_Y, EYE_Z, EYE_R = 0.300, 0.060, 0.470, 0.255
EYE_HALF_WIDTH, EYE_UP, EYE_LOW = 0.180, 0.190, 0.170
MOUTH_Y, MOUTH_HALF_WIDTH = -0.500, 0.235
HEAD_Y, HEAD_X, HEAD_H, HEAD_Z = -0.050, 0.870, 1.000, 0.750
GLASS_Y, GLASS_X, GLASS_H, GLASS_CORNER = -0.145, 0.665, 0.755, 0.40
GLOW = (0.20, 0.86, 1.00)
BLUSH = (1.00, 0.30, 0.42)
TOUCH = 1e-4  # head units: what is nearer to the surface than this is the surface


@kernel
def seam(x):
    u = abs(x) / MOUTH_HALF_WIDTH
    return MOUTH_Y + 0.036 * u * u


@kernel
def _egg(x, y, z, rx, ry, rz):
    """A box whose sides bulge: a superellipsoid of the third degree."""
    ax, ay, az = abs(x) / rx, abs(y) / ry, abs(z) / rz
    k = (ax * ax * ax + ay * ay * ay + az * az * az) ** (1 / 3) + 1e-6
    gx, gy, gz = ax * ax / rx, ay * ay / ry, az * az / rz
    return (k - 1) * k * k / (math.sqrt(gx * gx + gy * gy + gz * gz) + 1e-6) * min(1.0, k) * 0.9


@kernel
def _window(x, y):
    """Distance in the plane to the outline of the glass."""
    qx, qy = abs(x) - GLASS_X + GLASS_CORNER, abs(y - GLASS_Y) - GLASS_H + GLASS_CORNER
    outside = math.sqrt(max(qx, 0.0) ** 2 + max(qy, 0.0) ** 2)
    return outside + min(max(qx, qy), 0.0) - GLASS_CORNER


@kernel
def _shell(x, y, z):
    d = _egg(x, y - HEAD_Y, z, HEAD_X, HEAD_H, HEAD_Z)
    if z > 0.0:
        d = cut(d, -max(_window(x, y), 0.35 - z), 0.035)
        d += 0.012 * bell(_window(x, y) - 0.075, 0.009)  # a joint around the frame
    d += 0.012 * bell(x, 0.008) * step(0.50, 0.60, y)  # and one over the crown
    return d


@kernel
def _glass(x, y, z):
    d = _egg(x, y - HEAD_Y, z, HEAD_X - 0.03, HEAD_H - 0.03, HEAD_Z - 0.022)
    return max(d, max(_window(x, y) - 0.03, 0.1 - z))


@kernel
def _disc(x, y, z, at, radius, half):
    """A rounded disc on either side of the head."""
    r = math.sqrt(y * y + (z + 0.08) ** 2)
    a, b = r - radius + 0.04, abs(abs(x) - at) - half + 0.04
    return math.sqrt(max(a, 0.0) ** 2 + max(b, 0.0) ** 2) + min(max(a, b), 0.0) - 0.04


@kernel
def _ears(x, y, z):
    return min(
        _disc(x, y - 0.02, z, 0.860, 0.285, 0.075), _disc(x, y - 0.02, z, 0.915, 0.205, 0.075)
    )


@kernel
def _stalk(x, y, z):
    foot = capsule(x, y, z, 0, 0.90, -0.02, 0, 0.985, -0.02, 0.115, 0.075)
    return union(foot, capsule(x, y, z, 0, 0.95, -0.02, 0, 1.12, -0.02, 0.026, 0.026), 0.05)


@kernel
def _lamp(x, y, z):
    return math.sqrt(x * x + (y - 1.165) ** 2 + (z + 0.02) ** 2) - 0.068


@kernel
def _neck(x, y, z):
    r = math.sqrt(x * x + (z + 0.16) ** 2)
    ring = 0.026 * math.sin(y * 52)
    return max(r - 0.335 - ring, abs(y + 1.25) - 0.50) * 0.7


@kernel
def _torso(x, y, z):
    ax = abs(x)
    d = _egg(x, y + 2.38, z + 0.34, 1.16, 0.98, 0.74)
    shoulder = math.sqrt((ax - 1.06) ** 2 + (y + 1.98) ** 2 + (z + 0.36) ** 2) - 0.36
    d = union(d, capsule(x, y, z, 0, -1.66, -0.19, 0, -1.86, -0.26, 0.36, 0.60), 0.22)
    d += 0.014 * bell(ax - 0.62 - 0.10 * (y + 1.9), 0.010) * step(-1.50, -1.60, y)
    return min(d, shoulder)


@kernel
def _collar(x, y, z):
    r = math.sqrt(x * x + (z + 0.17) ** 2)
    rise = 0.10 * (z + 0.2)
    return math.sqrt((r - 0.415) ** 2 + (y + 1.36 - rise) ** 2) - 0.075


@kernel
def _fittings(x, y, z):
    """What stands off the head: a layer of its own, for it turns otherwise than the front."""
    return min(_ears(x, y, z), min(_stalk(x, y, z), _lamp(x, y, z)))


@kernel
def _head(x, y, z):
    return min(_shell(x, y, z), _glass(x, y, z))


@kernel
def _body(x, y, z):
    return min(min(_neck(x, y, z), _torso(x, y, z)), _collar(x, y, z))


@kernel
def distance(x, y, z, scene, h):
    if scene == SKIN:
        return _head(x, y, z)
    if scene == HAIR_BACK:
        return _fittings(x, y, z)
    if scene == BODY:
        return _body(x, y, z)
    if scene == EYES:
        return math.sqrt((abs(x) - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z) ** 2) - EYE_R
    return min(min(_head(x, y, z), _fittings(x, y, z)), _body(x, y, z))


_shadow = shadows(distance, ALL, KEY)
_openness = openness(distance, ALL)


@kernel
def _material(x, y, z, scene):
    if scene == EYES:
        return OF_EYE
    if scene == BODY:
        d = _body(x, y, z)
        return OF_CLOTH if _torso(x, y, z) < d + TOUCH else OF_DARK
    if scene == HAIR_BACK:
        if _lamp(x, y, z) < _fittings(x, y, z) + TOUCH:
            return OF_LAMP
        return OF_DARK if abs(x) > 0.925 else OF_SKIN
    if _glass(x, y, z) < _shell(x, y, z) + TOUCH:
        return OF_GLASS
    if z > 0.2 and _window(x, y) < 0.020:  # a gasket around the glass
        return OF_DARK
    return OF_SKIN


@kernel
def _studio(x, y, z):
    """The light that comes from a direction: a large lamp, a strip, the sky and the floor."""
    level = 0.10 + 0.30 * step(-0.1, 0.9, y) + 0.06 * step(-0.2, -0.9, y)
    lamp = step(0.22, 0.40, y) * (1 - step(0.76, 0.82, y))
    lamp *= step(-0.80, -0.74, x) * (1 - step(-0.30, -0.24, x)) * step(0.0, 0.1, z)
    strip = step(0.62, 0.68, x) * (1 - step(0.80, 0.84, x)) * step(-0.6, -0.4, y)
    return level + 2.1 * lamp + 0.75 * strip * (1 - step(0.35, 0.6, y))


@kernel
def _glow(x, y):
    """Light on the glass: brows, the mouth's line, and haloes of mouth and eyes."""
    ax = abs(x)
    u = (ax - 0.175) / 0.27
    t = min(1.0, max(0.0, u))
    brow = math.sqrt((ax - 0.175 - 0.27 * t) ** 2 + (y - 0.372 - 0.028 * math.sin(3.0 * t)) ** 2)
    core = 1 - step(0.016, 0.026, brow)
    halo = 0.30 * math.exp(-max(0.0, brow - 0.02) / 0.045)
    across = max(0.0, ax - MOUTH_HALF_WIDTH + 0.026)
    lips = math.sqrt((y - seam(min(ax, MOUTH_HALF_WIDTH))) ** 2 + across * across)
    core = max(core, 1 - step(0.010, 0.019, lips))
    halo += 0.34 * math.exp(-max(0.0, lips - 0.015) / 0.055)
    u = (ax - EYE_X) / (EYE_HALF_WIDTH - 0.02)  # where the lids meet: the eye hides it while open
    across = max(0.0, abs(u) - 1) * (EYE_HALF_WIDTH - 0.02)
    shut = math.sqrt((y - EYE_Y + 0.030 + 0.012 * (1 - min(1.0, u * u))) ** 2 + across * across)
    core = max(core, 1 - step(0.012, 0.022, shut))
    halo += 0.20 * math.exp(-max(0.0, shut - 0.015) / 0.05)
    ey = (y - EYE_Y) / (EYE_UP if y > EYE_Y else EYE_LOW)
    ex = (ax - EYE_X) / EYE_HALF_WIDTH
    eye = math.sqrt(ex * ex + ey * ey)
    halo += 0.34 * math.exp(-((eye / 1.15) ** 2))  # open or shut, there is a glow around it
    return core, halo


@kernel
def _eye_light(x, y):
    """The lit disc of an eye, and the dark ring that looks at the viewer."""
    side = 1.0 if x > 0 else -1.0
    dx, dy = x - side * (EYE_X - 0.012), y - EYE_Y
    away = math.sqrt(dx * dx + dy * dy)
    lit = 1.25 - 0.45 * step(0.08, 0.22, away) + 0.30 * step(0.10, -0.16, dy)
    ring = 1 - step(0.100, 0.112, away)
    spark = 1 - step(0.026, 0.044, math.sqrt((dx + 0.028) ** 2 + (dy - 0.034) ** 2))
    inner = ring * (0.10 + 0.30 * bell(away - 0.075, 0.020))
    k = lit * (1 - ring) + inner
    white = 0.32 * lit * (1 - ring) * (1 - step(0.10, 0.20, away)) + 1.1 * spark
    return k * GLOW[0] + white, k * GLOW[1] + white, k * GLOW[2] + white


@kernel
def _shade(x, y, z, nx, ny, nz, vx, vy, vz, scene, palette, h):
    """The light that leaves the point towards the viewer (linear RGB), and its material."""
    material = _material(x, y, z, scene)
    if material == OF_EYE:
        r, g, b = _eye_light(x, y)
        return r, g, b, material
    cosine = max(0.0, nx * vx + ny * vy + nz * vz)
    rx, ry, rz = 2 * cosine * nx - vx, 2 * cosine * ny - vy, 2 * cosine * nz - vz
    lit = _shadow(x + nx * 0.02, y + ny * 0.02, z + nz * 0.02, h)
    seen = _openness(x, y, z, nx, ny, nz, h)
    mirror = _studio(rx, ry, rz)
    fresnel = 0.04 + 0.96 * (1 - cosine) ** 5
    k, c = 0.0, (palette[0, 0], palette[0, 1], palette[0, 2])
    if material == OF_GLASS:
        c = (palette[2, 0], palette[2, 1], palette[2, 2])
    elif material == OF_DARK:
        c = (palette[1, 0], palette[1, 1], palette[1, 2])
    elif material == OF_CLOTH:
        c = (palette[3, 0], palette[3, 1], palette[3, 2])
    facing = nx * KEY[0] + ny * KEY[1] + nz * KEY[2]
    direct = max(0.0, (facing + 0.12) / 1.12) * lit
    fill = max(0.0, (nx * 0.78 + ny * 0.10 + nz * 0.62) * 0.6 + 0.4)
    sky, bounce = 0.5 + 0.5 * ny, max(0.0, -ny) * 0.5 + 0.2
    r = c[0] * (1.55 * direct + (0.3864 * fill + 0.42 * sky + 0.20 * bounce) * seen)
    g = c[1] * (1.52 * direct + (0.4032 * fill + 0.45 * sky + 0.18 * bounce) * seen)
    b = c[2] * (1.46 * direct + (0.4410 * fill + 0.50 * sky + 0.18 * bounce) * seen)
    k = (0.80 if material == OF_GLASS else 0.85) * mirror * fresnel * (0.25 + 0.75 * seen)
    r, g, b = r + k, g + k * 1.02, b + k * 1.05
    core, halo = 0.0, 0.0
    if material == OF_GLASS:
        core, halo = _glow(x, y)
        core, halo = core * 1.35, halo * 0.45
        blush = 0.13 * math.exp(-(((abs(x) - 0.425) / 0.075) ** 2) - ((y + 0.190) / 0.042) ** 2)
        r, g, b = r + blush * BLUSH[0], g + blush * BLUSH[1], b + blush * BLUSH[2]
    elif material == OF_LAMP:
        core, halo = 0.75 * (0.35 + 0.65 * cosine), 0.5
    elif scene != BODY:  # what the lamp throws on the crown
        halo = 0.22 * math.exp(-max(0.0, _lamp(x, y, z)) / 0.07)
    r += core * (0.45 + 0.55 * GLOW[0]) + halo * GLOW[0]
    g += core * 1.15 + halo * GLOW[1]
    b += core * 1.30 + halo * GLOW[2]
    return r, g, b, material


_march = marcher(distance, _shade)


def photograph(person: Person, scene: int, size: int) -> Picture:
    """Render one scene `size` pixels square."""
    position, colour = (np.zeros((size, size, 3)) for _ in range(2))
    material = np.zeros((size, size), np.int64)
    if scene != HEAD:  # it has no hair in front of the face
        palette = np.array([linear(c) for c in person.colours])
        _march(size, scene, palette, person.head, position, material, colour)
    return Picture(position.astype(np.float32), material, tone(colour, EXPOSURE).astype(np.float32))


def inside(_: Person) -> dict[str, NDArray[np.float32]]:
    """What an open mouth shows: only its light."""
    return dict.fromkeys(
        ("teeth_upper", "teeth_lower", "tongue"), np.zeros((32, 64, 4), np.float32)
    )
