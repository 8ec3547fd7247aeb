"""How light shows our people: skin, hair, cloth and eyes under one lamp."""

# ruff: noqa: PLR0913, PLR0915 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math

import numpy as np
from anatomy import (
    BODY,
    EVERYTHING,
    EYES,
    HAIR_BACK,
    HEAD,
    SKIN,
    clothes,
    crop_angle,
    distance,
    hair,
    lower_lip,
    neck,
    seam,
    skin,
    upper_lip,
)
from heads import CROP, EYE_X, EYE_Y, EYE_Z, LID_R, MOUTH_HALF_WIDTH, Person
from march import (
    OF_CLOTH,
    OF_EYE,
    OF_HAIR,
    OF_SKIN,
    Picture,
    linear,
    marcher,
    openness,
    shadows,
    tone,
)
from sdf import bell, kernel, noise, step
from sprites import Image, teeth, tongue

OVERSAMPLING = 2  # of the baked pictures
EXPOSURE = 0.62
KEY = (-0.52, 0.56, 0.645)  # from the upper left, in front
FILL = (0.78, 0.10, 0.62)


def photograph(person: Person, scene: int, size: int) -> Picture:
    """Render one scene `size` pixels square."""
    position = np.zeros((size, size, 3))
    material = np.zeros((size, size), np.int64)
    colour = np.zeros((size, size, 3))
    palette = np.array([linear(c) for c in person.colours])
    _march(size, scene, palette, person.head, position, material, colour)
    return Picture(position.astype(np.float32), material, tone(colour, EXPOSURE).astype(np.float32))


def inside(_: Person) -> dict[str, Image]:
    """What an open mouth shows: (H, W, 4) premultiplied BGRA, 0 to 1, by the engine's names."""
    upper, lower = teeth(upper=True), teeth(upper=False)
    return {"teeth_upper": upper, "teeth_lower": lower, "tongue": tongue()}


def backdrop(person: Person, size: int) -> Image:
    """(size, size, 3) BGR, 0 to 255: a soft gradient.

    It has a little grain: without it the encoder shows bands.
    """
    centre, edge = (
        np.array([int(c[k : k + 2], 16) for k in (5, 3, 1)], np.float32) for c in person.backdrop
    )
    yy, xx = np.mgrid[0:size, 0:size] / size
    d = np.clip(np.hypot(xx - 0.42, yy - 0.35) / 0.95, 0, 1)[..., None]
    grain = np.random.default_rng(0).normal(0, 0.7, (size, size, 1))
    return (centre * (1 - d) + edge * d + grain).astype(np.float32)


_shadow = shadows(distance, EVERYTHING, KEY)
_openness = openness(distance, EVERYTHING)


@kernel
def _brow(x, y, h):
    """Coverage by the eyebrow."""
    ax = abs(x)
    u = (ax - 0.12) / 0.36
    if u < -0.1 or u > 1.1:
        return 0.0
    rise = h.brow_arch * math.sin(min(1.0, max(0.0, u)) * 2.35)
    centre = h.brow_y + rise - 0.075 * max(0.0, u - 0.55)
    width = h.brow_width * (1 - 0.60 * max(0.0, u))
    ragged = 0.006 * noise(ax * 60 + y * 25)
    m = 1 - step(width * 0.50, width * 1.18, abs(y - centre + ragged))
    m *= step(-0.10, 0.22, u) * (1 - step(0.90, 1.10, u))
    streak = noise((ax * 1.6 + y * 1.1) * 62) * 0.6 + noise((ax * 1.9 + y) * 131) * 0.4
    return m * (0.93 + 0.07 * streak)


@kernel
def _mix(r, g, b, colour, k):
    return r * (1 - k) + colour[0] * k, g * (1 - k) + colour[1] * k, b * (1 - k) + colour[2] * k


@kernel
def _skin_colour(x, y, z, palette, h):
    """Albedo and gloss of the face: blush, lids, lips, brows, nostrils."""
    r, g, b = palette[0, 0], palette[0, 1], palette[0, 2]
    gloss = 0.16
    ax = abs(x)
    blush = 0.60 * bell(ax - 0.37, 0.20) * bell(y + 0.20, 0.17)
    blush += 0.35 * bell(x, 0.12) * bell(y + 0.18, 0.1) + 0.25 * bell(ax - 0.80, 0.1)
    blush = min(1.0, blush) * (1.0 if z > -0.4 else 0.3)
    r, g, b = r * (1 - blush * 0.04), g * (1 - blush * 0.24), b * (1 - blush * 0.22)
    lid = math.sqrt((ax - EYE_X) ** 2 + (y - EYE_Y - 0.02) ** 2 + (z - EYE_Z) ** 2) - LID_R
    warm = 1 - step(0.0, 0.035, lid)
    r, g, b = r * (1 - 0.06 * warm), g * (1 - 0.15 * warm), b * (1 - 0.12 * warm)
    if z > 0.35:
        line, u = seam(x), ax / MOUTH_HALF_WIDTH
        if u < 1.08:
            top, bottom = line + upper_lip(x), line - lower_lip(x)
            red = step(bottom - 0.010, bottom + 0.012, y)
            red *= (1 - step(top - 0.010, top + 0.008, y)) * (1 - step(0.97, 1.06, u))
            r, g, b = _mix(r, g, b, palette[1], 0.90 * red)
            gloss += 0.22 * red
            k = 0.55 * bell(y - line, 0.010) * (1 - step(1.0, 1.15, u))
            r, g, b = r * (1 - k * 0.72), g * (1 - k * 0.85), b * (1 - k * 0.85)
        k = 0.94 * _brow(x, y, h)
        if k > 0:
            r, g, b = _mix(r, g, b, palette[2] * 0.8, k)
            gloss *= 1 - k
        k = 0.75 * bell(ax - 0.05, 0.030) * bell(y + 0.252, 0.020) * (1.0 if z > 0.6 else 0.0)
        r, g, b = r * (1 - k * 0.8), g * (1 - k * 0.9), b * (1 - k * 0.9)
    return r, g, b, gloss


@kernel
def _cloth_colour(x, y, z, palette):
    rib = 0.5 + 0.5 * math.sin(math.atan2(x, z + 0.3) * 58)
    k = 1 - 0.16 * step(-1.70, -1.62, y) * rib
    return palette[3, 0] * k, palette[3, 1] * k, palette[3, 2] * k


@kernel
def _eye_colour(x, y, palette):
    """White, iris and pupil; the eyes turn in very slightly, towards the viewer."""
    side = 1.0 if x > 0 else -1.0
    dx, dy = x - side * (EYE_X - 0.012), y - EYE_Y - 0.004
    away = math.sqrt(dx * dx + dy * dy)
    veil = step(0.11, 0.25, away)
    r, g, b = 0.837 * (1 - 0.10 * veil), 0.828 * (1 - 0.22 * veil), 0.819 * (1 - 0.22 * veil)
    iris = 1 - step(0.128, 0.146, away)
    angle = math.atan2(dy, dx)
    fibre = 0.84 + 0.16 * math.sin(angle * 23 + 2.5 * math.sin(angle * 7)) * step(0.03, 0.09, away)
    shade = fibre * (1 - 0.60 * step(0.100, 0.137, away)) * (0.72 + 0.62 * step(0.06, -0.10, dy))
    r, g, b = _mix(r, g, b, palette[4] * 0.75 * shade, iris)
    pupil = 1 - 0.97 * (1 - step(0.056, 0.066, away))
    return r * pupil, g * pupil, b * pupil


@kernel
def _material(x, y, z, scene, h):
    if scene == EYES:
        return OF_EYE
    if scene == HAIR_BACK:
        return OF_HAIR
    if scene == HEAD and hair(x, y, z, h) < skin(x, y, z, h):
        return OF_HAIR
    if scene == BODY and clothes(x, y, z, h) < neck(x, y, z, h):
        return OF_CLOTH
    return OF_SKIN


@kernel
def _hair_shine(x, y, z, nx, ny, nz, hx, hy, hz, h):
    """Two bands of highlight along the strands; every strand shifts them a little."""
    if h.hair == CROP:
        a = crop_angle(x, y) * 1.6 + 0.25 * z
        tx, ty, tz = 0.35 - nx * (0.35 * nx + ny), 1 - ny * (0.35 * nx + ny), -nz * (0.35 * nx + ny)
    else:
        a = math.atan2(x + 0.25, z + 0.35)
        tx, ty, tz = -nx * ny, 1 - ny * ny, -nz * ny
    length = 1 / (math.sqrt(tx * tx + ty * ty + tz * tz) + 1e-6)
    shift = 0.13 * noise(a * 14 + 0.5 * y) + 0.10 * noise(a * 41 + 1.3 * y + 5.0)
    shift += 0.07 * noise(a * 97 + 3.0 * y + 17.0)
    t = (tx * hx + ty * hy + tz * hz) * length + shift
    sharp = math.sqrt(max(0.0, 1 - t * t)) ** 60
    wide = math.sqrt(max(0.0, 1 - (t + 0.22) ** 2)) ** 22
    grain = 0.80 + 0.20 * noise(a * 70 + 2.0 * y + 3.0)
    return sharp * grain, wide * grain


@kernel
def _shade(x, y, z, nx, ny, nz, vx, vy, vz, scene, palette, h):
    """The light that leaves the point towards the viewer (linear RGB), and its material."""
    material = _material(x, y, z, scene, h)
    gloss, polish = 0.0, 22.0
    if material == OF_SKIN:
        r, g, b, gloss = palette[0, 0], palette[0, 1], palette[0, 2], 0.16
        if scene == SKIN:
            r, g, b, gloss = _skin_colour(x, y, z, palette, h)
    elif material == OF_HAIR:
        r, g, b = palette[2, 0], palette[2, 1], palette[2, 2]
    elif material == OF_CLOTH:
        r, g, b = _cloth_colour(x, y, z, palette)
        gloss, polish = 0.03, 8.0
    else:
        r, g, b = _eye_colour(x, y, palette)
    facing = nx * KEY[0] + ny * KEY[1] + nz * KEY[2]
    lit, seen = 1.0, 1.0
    if scene != EYES:
        lit = _shadow(x + nx * 0.02, y + ny * 0.02, z + nz * 0.02, h)
        seen = _openness(x, y, z, nx, ny, nz, h)
    fill = max(0.0, (nx * FILL[0] + ny * FILL[1] + nz * FILL[2]) * 0.6 + 0.4)
    sky, bounce = 0.5 + 0.5 * ny, max(0.0, -ny) * 0.5 + 0.2
    if material == OF_SKIN:  # light bleeds through skin: red farthest
        dr, dg, db = (
            max(0.0, (facing + 0.42) / 1.42) * (lit * 0.80 + 0.20),
            max(0.0, (facing + 0.22) / 1.22) * (lit * 0.90 + 0.10),
            max(0.0, (facing + 0.16) / 1.16) * (lit * 0.92 + 0.08),
        )
        ar, ag, ab = seen**0.70, seen**1.05, seen**1.12
    else:
        dr = max(0.0, (facing + 0.15) / 1.15) * lit
        if scene == EYES:
            dr = max(0.25, (facing + 0.5) / 1.5)
        dg, db, ar, ag, ab = dr, dr, seen, seen, seen
    r *= 1.62 * dr + (0.3864 * fill + 0.44 * sky + 0.20 * bounce) * ar
    g *= 1.5471 * dg + (0.4032 * fill + 0.475 * sky + 0.17 * bounce) * ag
    b *= 1.4418 * db + (0.441 * fill + 0.54 * sky + 0.16 * bounce) * ab
    hx, hy, hz = KEY[0] + vx, KEY[1] + vy, KEY[2] + vz
    inverse = 1 / math.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx * inverse, hy * inverse, hz * inverse
    shine = gloss * (max(0.0, nx * hx + ny * hy + nz * hz) ** polish) * lit * 1.3
    r, g, b = r + shine, g + shine * 0.97, b + shine * 0.93
    if material == OF_HAIR:
        sharp, wide = _hair_shine(x, y, z, nx, ny, nz, hx, hy, hz, h)
        wide *= 1.3 * (0.3 + 0.7 * lit) * seen * 0.8
        sharp *= lit * seen * 0.8
        r += 0.34 * sharp + palette[2, 0] * wide
        g += 0.30 * sharp + palette[2, 1] * wide
        b += 0.26 * sharp + palette[2, 2] * wide
    if scene != EYES:
        rim = (1 - max(0.0, nx * vx + ny * vy + nz * vz)) ** 3.2
        rim *= max(0.0, nx * 0.75 + ny * 0.35 - nz * 0.15 + 0.25) * 0.75 * seen
        r += rim * 0.85 * (0.35 + r)
        g += rim * 0.92 * (0.35 + g)
        b += rim * 1.05 * (0.35 + b)
    return r, g, b, material


_march = marcher(distance, _shade)
