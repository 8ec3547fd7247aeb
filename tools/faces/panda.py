"""A red panda: its distance field, its markings, and the fur over both."""

# ruff: noqa: PLR0913, PLR0915 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math

import cv2
import numpy as np
from anatomy import BODY, EYES, HAIR_BACK, HEAD, SKIN
from fur import Array, Coat, comb, project
from heads import Person
from light import EXPOSURE, KEY, backdrop
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
from numpy.typing import NDArray
from sdf import bell, capsule, ellipsoid, kernel, step, union

__all__ = ["OVERSAMPLING", "backdrop", "inside", "photograph"]

OVERSAMPLING = 2
ALL = 9  # a scene of its own: everything that throws a shadow
OF_NOSE = 7
HAIRS = {SKIN: 120_000, HAIR_BACK: 30_000, BODY: 26_000}
NOSE = (0.0, -0.215, 0.955)
EAR = (0.61, 0.74, -0.12)
EYE_X, EYE_Y, EYE_Z, EYE_R, LID_R = 0.315, 0.075, 0.520, 0.255, 0.273
MOUTH_Y, MOUTH_HALF_WIDTH = -0.500, 0.235


@kernel
def seam(x):
    u = abs(x) / MOUTH_HALF_WIDTH
    return MOUTH_Y + 0.040 * u * u - 0.012 * bell(abs(x) - 0.085, 0.07)


@kernel
def _ears(x, y, z):
    ax = abs(x)
    ex, ey, ez = ax - EAR[0], y - EAR[1], z - EAR[2]
    lx, ly = 0.89 * ex - 0.45 * ey, 0.45 * ex + 0.89 * ey  # they lean outwards
    d = ellipsoid(lx, ly, ez, 0.275, 0.350, 0.125)
    return max(d, -ellipsoid(lx, ly + 0.02, ez - 0.13, 0.185, 0.250, 0.13)) * 0.9


@kernel
def _nose(x, y, z):
    d = ellipsoid(x, y - NOSE[1], z - NOSE[2] + 0.045, 0.112, 0.068, 0.085)
    d = union(d, ellipsoid(x, y - NOSE[1] + 0.055, z - NOSE[2] + 0.055, 0.055, 0.055, 0.07), 0.05)
    hole = ellipsoid(abs(x) - 0.062, y - NOSE[1] + 0.028, z - NOSE[2] - 0.015, 0.024, 0.017, 0.04)
    return max(d, -hole)


@kernel
def _fur(x, y, z):
    """The head without nose and ears."""
    ax = abs(x)
    d = ellipsoid(x, y - 0.22, z + 0.08, 0.86, 0.78, 0.80)
    d = union(d, ellipsoid(ax - 0.47, y + 0.14, z - 0.08, 0.45, 0.37, 0.42), 0.25)
    d = union(d, ellipsoid(x, y + 0.40, z - 0.12, 0.58, 0.42, 0.48), 0.25)  # jaw
    d = union(d, ellipsoid(x, y + 0.46, z - 0.42, 0.38, 0.32, 0.36), 0.20)
    d = union(d, ellipsoid(ax - 0.135, y + 0.385, z - 0.70, 0.185, 0.140, 0.190), 0.10)
    d = union(d, ellipsoid(x, y + 0.61, z - 0.60, 0.205, 0.120, 0.190), 0.10)  # chin
    d = union(d, capsule(x, y, z, 0, 0.20, 0.58, 0, -0.18, 0.80, 0.13, 0.105), 0.16)
    d = union(d, ellipsoid(ax - 0.30, y - 0.36, z - 0.52, 0.26, 0.10, 0.18), 0.20)
    lids = math.sqrt((ax - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z) ** 2) - LID_R
    d = union(d, lids, 0.10)
    if z > 0.3:
        u = ax / MOUTH_HALF_WIDTH
        fade = 1.0 if u < 1.0 else math.exp(-(((u - 1.0) / 0.15) ** 2))
        d += 0.036 * bell(y - seam(x), 0.016) * fade
        d += 0.016 * bell(x, 0.016) * step(seam(x) - 0.01, seam(x) + 0.02, y) * (y < -0.24)
    return d


@kernel
def _neck(x, y, z):
    return capsule(x, y, z, 0, -0.40, -0.16, 0, -1.00, -0.22, 0.48, 0.47)


@kernel
def _sweater(x, y, z, h):
    ax = abs(x)
    d = ellipsoid(x, y + 2.15, z + 0.35, 1.24, 1.00, 0.68)
    d = union(d, ellipsoid(ax - 0.72, y + 1.82, z + 0.36, 0.50, 0.44, 0.50), 0.45)
    d = union(d, capsule(x, y, z, 0, -1.12, -0.21, 0, -1.60, -0.28, h.collar, 0.66), 0.25)
    r = math.sqrt(x * x + (z + 0.22) ** 2)
    rise = 0.20 * (z + 0.2)
    roll = math.sqrt((r - h.collar) ** 2 + (y + 1.02 - rise) ** 2) - 0.095
    fold = math.sqrt((r - h.collar - 0.01) ** 2 + (y + 1.17 - rise) ** 2) - 0.095
    return union(d, union(roll, fold, 0.03), 0.08) * 0.9


@kernel
def distance(x, y, z, scene, h):
    if scene == SKIN:
        return min(_fur(x, y, z), _nose(x, y, z))
    if scene == HAIR_BACK:
        return _ears(x, y, z)
    if scene == BODY:
        return min(_neck(x, y, z), _sweater(x, y, z, h))
    if scene == EYES:
        return math.sqrt((abs(x) - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z) ** 2) - EYE_R
    head = min(min(_fur(x, y, z), _nose(x, y, z)), _ears(x, y, z))
    return min(min(head, _neck(x, y, z)), _sweater(x, y, z, h))


@kernel
def _spot(x, y, cx, cy, rx, ry, soft):
    """1 inside an ellipse, 0 outside."""
    away = math.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2)
    return 1 - step(1 - soft, 1 + soft, away)


@kernel
def _mix(c, k, r, g, b):
    return c[0] * (1 - k) + r * k, c[1] * (1 - k) + g * k, c[2] * (1 - k) + b * k


@kernel
def _markings(x, y, z, palette):
    """Palette: russet, cream, dark, cloth, iris."""
    ax = abs(x)
    red, cream, dark = palette[0], palette[1], palette[2]
    c = (red[0], red[1], red[2])
    warm = 0.45 * bell(x, 0.16) * step(0.0, 0.5, y)  # a darker stripe over the crown
    c = _mix(c, warm, dark[0] * 1.5, dark[1] * 1.2, dark[2] * 1.2)
    cheek = _spot(ax, y, 0.70, -0.10, 0.24, 0.25, 0.25)
    c = _mix(c, cheek * 0.97, cream[0], cream[1], cream[2])
    bx, by = ax - 0.285, y - 0.400
    brow = _spot(0.98 * bx - 0.20 * by, 0.98 * by + 0.20 * bx, 0.0, 0.0, 0.150, 0.078, 0.30)
    c = _mix(c, brow, cream[0], cream[1], cream[2])
    muzzle = _spot(x, y, 0.0, -0.47, 0.36, 0.26, 0.18) * step(0.0, 0.2, z)
    muzzle = max(muzzle, 0.75 * _spot(x, y, 0.0, -0.05, 0.105, 0.33, 0.6))
    c = _mix(c, muzzle, cream[0], cream[1], cream[2])
    tear = bell(ax - (0.40 + 0.10 * step(0.0, -0.6, y)), 0.085) * step(0.02, -0.16, y)
    tear *= 1 - step(-0.60, -0.74, y)
    c = _mix(c, 0.80 * tear, red[0] * 0.45, red[1] * 0.30, red[2] * 0.30)
    below = max(step(-0.58, -0.80, y) * (1 - step(0.25, 0.50, z)), step(-0.70, -0.76, y))
    c = _mix(c, 0.9 * below, dark[0], dark[1], dark[2])
    lid = math.sqrt((ax - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z) ** 2) - LID_R
    c = _mix(c, 0.80 * (1 - step(0.0, 0.03, lid)), red[0] * 0.38, red[1] * 0.30, red[2] * 0.30)
    if z > 0.35:
        line, u = seam(x), ax / MOUTH_HALF_WIDTH
        lip = bell(y - line, 0.017) * (1 - step(0.95, 1.10, u))
        lip = max(
            lip, 0.6 * bell(x, 0.010) * step(line, line + 0.02, y) * (1 - step(-0.30, -0.25, y))
        )
        c = _mix(c, 0.92 * lip, dark[0] * 0.8, dark[1] * 0.7, dark[2] * 0.7)
    return c


@kernel
def _ear_colour(x, y, z, palette):
    ex, ey = abs(x) - EAR[0], y - EAR[1]
    lx, ly = 0.89 * ex - 0.45 * ey, 0.45 * ex + 0.89 * ey
    away = math.sqrt((lx / 0.275) ** 2 + (ly / 0.350) ** 2)
    red, cream, dark = palette[0], palette[1], palette[2]
    c = (dark[0] * 1.3, dark[1] * 1.2, dark[2] * 1.2)
    c = _mix(c, step(-0.05, -0.25, ly) * 0.6, red[0], red[1], red[2])
    return _mix(c, step(0.70, 0.80, away), cream[0], cream[1], cream[2])


@kernel
def _knit(x, y, z, palette):
    """Ribs around the collar, rows of stitches below it."""
    rib = 0.5 + 0.5 * math.sin(math.atan2(x, z + 0.3) * 46)
    k = 1 - 0.22 * step(-1.36, -1.26, y) * rib
    row = 0.5 + 0.5 * math.sin(y * 70 + 2.2 * abs(math.sin(x * 34)))
    k -= 0.14 * step(-1.26, -1.36, y) * row
    return palette[3, 0] * k, palette[3, 1] * k, palette[3, 2] * k


@kernel
def _eye_colour(x, y, palette):
    side = 1.0 if x > 0 else -1.0
    dx, dy = x - side * (EYE_X - 0.012), y - EYE_Y - 0.004
    away = math.sqrt(dx * dx + dy * dy)
    veil = step(0.12, 0.25, away)
    c = (0.80 * (1 - 0.15 * veil), 0.77 * (1 - 0.25 * veil), 0.72 * (1 - 0.25 * veil))
    iris = 1 - step(0.152, 0.168, away)
    angle = math.atan2(dy, dx)
    fibre = 0.84 + 0.16 * math.sin(angle * 23 + 2.5 * math.sin(angle * 7)) * step(0.03, 0.09, away)
    shade = fibre * (1 - 0.70 * step(0.115, 0.160, away)) * (0.60 + 0.85 * step(0.06, -0.11, dy))
    c = _mix(c, iris, palette[4, 0] * shade, palette[4, 1] * shade, palette[4, 2] * shade)
    pupil = 1 - 0.97 * (1 - step(0.072, 0.082, away))
    return c[0] * pupil, c[1] * pupil, c[2] * pupil


_shadow = shadows(distance, ALL, KEY)
_openness = openness(distance, ALL)


@kernel
def _material(x, y, z, scene, h):
    if scene == EYES:
        return OF_EYE
    if scene == HAIR_BACK:
        return OF_HAIR
    if scene == BODY:
        return OF_CLOTH if _sweater(x, y, z, h) < _neck(x, y, z) else OF_SKIN
    return OF_NOSE if _nose(x, y, z) < _fur(x, y, z) else OF_SKIN


@kernel
def _shade(x, y, z, nx, ny, nz, vx, vy, vz, scene, palette, h):
    material = _material(x, y, z, scene, h)
    gloss = 0.0
    if material == OF_EYE:
        c = _eye_colour(x, y, palette)
    elif material == OF_NOSE:
        c = (0.020, 0.014, 0.014)
        gloss = 0.55
    elif material == OF_CLOTH:
        c = _knit(x, y, z, palette)
    elif scene == BODY:
        c = (palette[2, 0], palette[2, 1], palette[2, 2])
    elif scene == HAIR_BACK:
        c = _ear_colour(x, y, z, palette)
    else:
        c = _markings(x, y, z, palette)
    facing = nx * KEY[0] + ny * KEY[1] + nz * KEY[2]
    if material == OF_EYE:
        lit, seen = 1.0, 1.0
        direct = max(0.25, (facing + 0.5) / 1.5)
    else:
        lit = _shadow(x + nx * 0.02, y + ny * 0.02, z + nz * 0.02, h)
        seen = _openness(x, y, z, nx, ny, nz, h)
        direct = max(0.0, (facing + 0.30) / 1.30) * (0.15 + 0.85 * lit)  # fur lets light through
    fill = max(0.0, (nx * 0.78 + ny * 0.10 + nz * 0.62) * 0.6 + 0.4)
    sky, bounce = 0.5 + 0.5 * ny, max(0.0, -ny) * 0.5 + 0.2
    r = c[0] * (1.62 * direct + (0.3864 * fill + 0.44 * sky + 0.20 * bounce) * seen)
    g = c[1] * (1.5471 * direct + (0.4032 * fill + 0.475 * sky + 0.17 * bounce) * seen)
    b = c[2] * (1.4418 * direct + (0.441 * fill + 0.54 * sky + 0.16 * bounce) * seen)
    hx, hy, hz = KEY[0] + vx, KEY[1] + vy, KEY[2] + vz
    inverse = 1 / math.sqrt(hx * hx + hy * hy + hz * hz)
    shine = gloss * max(0.0, (nx * hx + ny * hy + nz * hz) * inverse) ** 26 * lit * 1.3
    if material != OF_EYE:
        rim = (1 - max(0.0, nx * vx + ny * vy + nz * vz)) ** 2.6
        shine += rim * max(0.0, nx * 0.75 + ny * 0.35 - nz * 0.15 + 0.25) * 0.22 * seen
    return r + shine, g + shine, b + shine, material


@kernel
def _facing(x, y, z, nx, ny, nz, vx, vy, vz, scene, palette, h):
    """Instead of light: the surface's normal."""
    return nx, ny, nz, 1


_march = marcher(distance, _shade)
_march_normals = marcher(distance, _facing)


def photograph(person: Person, scene: int, size: int) -> Picture:
    """Render one scene `size` pixels square, and comb its fur."""
    position, colour, normal = (np.zeros((size, size, 3)) for _ in range(3))
    material = np.zeros((size, size), np.int64)
    if scene == HEAD:  # no hair in front of the face
        return Picture(position.astype(np.float32), material, colour.astype(np.float32))
    palette = np.array([linear(c) for c in person.colours])
    _march(size, scene, palette, person.head, position, material, colour)
    colour = tone(colour, EXPOSURE)
    if scene == EYES:
        return Picture(position.astype(np.float32), material, colour.astype(np.float32))
    _march_normals(size, scene, palette, person.head, position, np.zeros_like(material), normal)
    coat = {SKIN: FACE, HAIR_BACK: EARS, BODY: NECK}[scene]
    grown = (material == OF_SKIN) | (material == OF_HAIR)
    furry = comb((position, normal, colour), grown, coat, hairs=HAIRS[scene] * size**2 // 1440**2)
    if scene == SKIN:
        furry = _with_whiskers(furry)
    bare = ((material > 0) & ~grown)[..., None]
    cover = np.where(bare[..., 0], 1, furry[..., 3])
    straight = furry[..., :3] / np.maximum(furry[..., 3:], 1e-3)
    shown = np.where(bare, colour, straight)
    material = np.where(
        (cover > 0.02) & (material == 0), OF_HAIR if scene == HAIR_BACK else OF_SKIN, material
    )
    return Picture(position.astype(np.float32), material, shown.astype(np.float32), cover)


def _with_whiskers(furry: NDArray[np.float32]) -> NDArray[np.float32]:
    canvas = np.rint(furry * 255).astype(np.uint8)
    size, t = len(canvas), np.linspace(0, 1, 24)[:, None]
    for side in (1, -1):
        for k, (rise, reach) in enumerate(
            ((0.16, 0.52), (0.06, 0.62), (-0.05, 0.60), (-0.17, 0.48))
        ):
            root = np.array([side * (0.17 + 0.03 * (k % 2)), -0.375 - 0.032 * k, 0.86])
            way = np.array([side * reach, rise, -0.12])
            line = root + way * t + np.array([0.0, -0.13, -0.10]) * t * t
            at, half = project(line, size), 1.5 * size / 1440 * (1 - 0.85 * t)
            across = np.gradient(at, axis=0)[:, ::-1] * (-1, 1)
            across = half * across / np.linalg.norm(across, axis=1, keepdims=True)
            outline = np.concatenate([at + across, (at - across)[::-1]])
            fixed = np.rint((outline - 0.5) * 16).astype(np.int32)
            cv2.fillPoly(canvas, [fixed], (250, 246, 238, 255), cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / 255


# --- the coat ------------------------------------------------------------------------------------


def _grows(p: Array) -> Array:
    """Away from the nose, down on the cheeks, outwards from the eyes' corners."""
    way = p - np.array([0.0, -0.16, 0.90])
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
    aside = np.clip((np.abs(p[:, 0]) - 0.35) / 0.4, 0, 1)
    way[:, 1] -= 0.55 * aside * (p[:, 1] < 0.35)
    way[:, 0] += np.sign(p[:, 0]) * 0.5 * aside
    way[:, 1] -= 0.8 * np.exp(-(((p[:, 1] + 0.62) / 0.16) ** 2)) * (np.abs(p[:, 0]) < 0.4)
    return way


def _length(p: Array) -> Array:
    ax, y, z = np.abs(p[:, 0]), p[:, 1], p[:, 2]
    away = np.linalg.norm(p - np.array(NOSE), axis=1)
    length = 0.030 + 0.075 * np.clip((away - 0.25) / 0.9, 0, 1)
    length += 0.13 * np.clip((ax - 0.50) / 0.35, 0, 1) * np.exp(-(((y + 0.20) / 0.36) ** 2))
    lid = np.sqrt((ax - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z) ** 2) - LID_R
    length = np.where(lid < 0.03, 0.022, length)
    u = ax / MOUTH_HALF_WIDTH
    line = MOUTH_Y + 0.040 * u * u - 0.012 * np.exp(-(((ax - 0.085) / 0.07) ** 2))
    off = np.abs(y - line) + np.maximum(u - 1.05, 0) * 0.2
    near = (z > 0.35) & (u < 1.6)
    return np.where(near, np.minimum(length, np.maximum(off - 0.018, 0) * 0.8), length)


FACE = Coat(_grows, _length, lambda p: np.linalg.norm(p - np.array([0.0, -0.16, 0.95]), axis=1))


def _from_ear(p: Array) -> tuple[Array, Array]:
    middle = np.stack(
        [np.sign(p[:, 0]) * EAR[0], np.full(len(p), EAR[1] - 0.12), np.full(len(p), EAR[2])], 1
    )
    way = p - middle
    away = np.linalg.norm(way[:, :2], axis=1)
    return way, away


EARS = Coat(
    lambda p: _from_ear(p)[0],
    lambda p: 0.04 + 0.10 * np.clip((_from_ear(p)[1] - 0.10) / 0.25, 0, 1),
    lambda p: _from_ear(p)[1],
    lift=0.12,
    wildness=0.28,
)
NECK = Coat(
    lambda p: np.stack([0.25 * p[:, 0], np.full(len(p), -1.0), 0.1 + 0 * p[:, 0]], 1),
    lambda p: np.full(len(p), 0.12),
    lambda p: -p[:, 1],
)


def inside(_: Person) -> dict[str, NDArray[np.float32]]:
    """What an open mouth shows: (H, W, 4) premultiplied BGRA, 0 to 1."""
    return {"teeth_upper": _teeth(), "teeth_lower": _no_teeth(), "tongue": _tongue()}


def _teeth() -> NDArray[np.float32]:
    """Small incisors between two little fangs."""
    h, w = 150, 420
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    u = (xx / w - 0.5) * 2
    length = 0.80 - 0.03 * np.abs(np.sin(u * 22)) - 0.30 * np.clip(np.abs(u) - 0.62, 0, 1)
    fang = 0.18 * np.clip(1 - np.abs(np.abs(u) - 0.50) / 0.085, 0, 1) ** 0.8
    cover = np.clip(((length + fang) * h - yy) / 3, 0, 1) * (np.abs(u) < 0.95)
    shade = (1 - 0.5 * np.abs(u) ** 2.2) * (0.78 + 0.22 * np.clip(yy / h * 1.8, 0, 1))
    shade *= 1 - 0.16 * np.exp(-((np.sin(u * 22) / 0.18) ** 2))
    colour = np.stack([0.86 * shade, 0.93 * shade, 0.97 * shade], -1) * cover[..., None]
    return np.dstack([colour, cover]).astype(np.float32)


def _no_teeth() -> NDArray[np.float32]:
    return np.zeros((150, 420, 4), np.float32)


def _tongue() -> NDArray[np.float32]:
    h, w = 160, 300
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    nx, ny = (xx - w / 2) / (w / 2), (yy - h * 0.60) / (h * 0.58)
    away = np.hypot(nx, ny)
    cover = np.clip((1 - away) * 25, 0, 1)
    shade = 1.0 - 0.40 * away**2 - 0.22 * np.exp(-((nx / 0.06) ** 2)) * (ny > -0.6)
    colour = np.stack([0.47 * shade, 0.45 * shade, 0.88 * shade], -1) * cover[..., None]
    return np.dstack([colour, cover]).astype(np.float32)
