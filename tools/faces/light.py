"""How light shows our people: skin, hair, cloth and eyes under one lamp."""

# ruff: noqa: PLR0913, PLR0915 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from anatomy import BODY, EVERYTHING, EYES, HAIR_BACK, HEAD, SKIN, clothes, distance, neck
from complexion import skin_colour
from garments import cloth_colour
from hairstyles import hair_of
from heads import Head, Person
from march import (
    NOTHING,
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
from sdf import bell, kernel, step
from spectacles import spectacles
from sprites import Image, teeth, tongue
from strands import Density, Strands, backed, density_of, draw, shade, straight, through
from whiskers import beard_of, brows_of

OVERSAMPLING = 2  # of the baked pictures
EXPOSURE = 0.62
KEY = (-0.52, 0.56, 0.645)  # from the upper left, in front
FILL = (0.78, 0.10, 0.62)
HAIR_BACK_Z = 0.32  # hair in front of this belongs to the front layer
GLOSS = {"hair": 1.0, "brow": 0.15, "beard": 0.35}


class Sitter(NamedTuple):
    """What of a person the pictures show."""

    head: Head
    colours: tuple[str, ...]
    cut: str
    beard: float
    glasses: str

    def palette(self) -> np.ndarray:
        """(n, 3) linear RGB."""
        return np.array([linear(c) for c in self.colours])


def photograph(person: Person, scene: int, size: int) -> Picture:
    """Render one scene `size` pixels square."""
    sitter = Sitter(person.head, person.colours, person.cut, person.beard, person.glasses)
    take = _hair if scene in (HEAD, HAIR_BACK) else _marched
    return take(sitter, scene, size)


@functools.lru_cache(maxsize=4)
def _marched(sitter: Sitter, scene: int, size: int) -> Picture:
    position = np.zeros((size, size, 3))
    material = np.zeros((size, size), np.int64)
    colour = np.zeros((size, size, 3))
    _march(size, scene, sitter.palette(), sitter.head, position, material, colour)
    colour = tone(colour, EXPOSURE)
    if scene == EYES:
        return Picture(position.astype(np.float32), material, colour.astype(np.float32))
    there = material > NOTHING
    _darken(colour, position, there, _grown(sitter)[1])
    cover = there.astype(np.float32)
    picture = Picture(
        position.astype(np.float32), material, (colour * cover[..., None]).astype(np.float32), cover
    )
    if scene == SKIN:
        _groom(sitter, picture)
    return straight(picture)


@functools.lru_cache(maxsize=2)
def _grown(sitter: Sitter) -> tuple[list[Strands], Density]:
    """The hair of the head, and how dense it is."""
    strands = hair_of(sitter.cut, sitter.head, sitter.palette()[2])
    return strands, density_of(strands)


def _darken(colour: np.ndarray, position: np.ndarray, there: np.ndarray, hair: Density) -> None:
    """The shade of the hair on skin and clothes; it is warm on skin."""
    points = np.ascontiguousarray(position[there])
    lamp = np.exp(-0.55 * through(hair.near, points, *KEY, 0.04, 16, 0.05))
    sky = np.exp(-0.30 * through(hair.near, points, 0.0, 0.5, 0.86, 0.02, 5, 0.05))
    light = 0.40 * sky + 0.60 * lamp * (0.4 + 0.6 * sky)
    colour[there] *= np.stack([light**p for p in (0.36, 0.45, 0.48)], -1)


def _groom(sitter: Sitter, picture: Picture) -> None:
    """Brows and beard: they move with the skin they grow on."""
    head, palette = sitter.head, sitter.palette()
    parts = {"brow": brows_of(head, palette[6])}
    if sitter.beard:
        parts["beard"] = beard_of(head, palette[6], picture, long=sitter.beard)
    for name, strands in parts.items():
        density = density_of([strands])
        light = tone(shade(strands, density, GLOSS[name]), EXPOSURE)
        behind = np.where(picture.material > NOTHING, picture.position[..., 2] - 0.05, -9.0)
        draw(picture, strands, light, behind=behind)
    picture.material[picture.cover > 0.02] = OF_SKIN


def _hair(sitter: Sitter, scene: int, size: int) -> Picture:
    picture = Picture(
        np.zeros((size, size, 3), np.float32),
        np.zeros((size, size), np.int64),
        np.zeros((size, size, 3), np.float32),
        np.zeros((size, size), np.float32),
    )
    parts, density = _grown(sitter)
    behind, nearest = None, HAIR_BACK_Z
    if scene == HEAD:
        skin = _marched(sitter, SKIN, size)
        behind = np.where(skin.material > NOTHING, skin.position[..., 2] - 0.012, -9.0)
        nearest = 9.0
    for strands in parts:
        light = tone(shade(strands, density, GLOSS["hair"]), EXPOSURE)
        draw(picture, strands, light, behind=behind, nearest=nearest)
    if scene == HEAD and sitter.glasses:
        wire, light = spectacles(sitter.head, np.array(linear(sitter.glasses)))
        hair = np.where(picture.cover > 0.5, picture.position[..., 2], -9.0)
        draw(picture, wire, tone(light, EXPOSURE), behind=np.maximum(behind, hair))
    if scene == HAIR_BACK:
        backed(picture, size / 240, 0.55)
    picture.material[picture.cover > 0.02] = OF_HAIR
    return straight(picture)


def inside(_: Person) -> dict[str, Image]:
    """What an open mouth shows: (H, W, 4) premultiplied BGRA, 0 to 1, by the engine's names."""
    upper, lower = teeth(upper=True), teeth(upper=False)
    return {"teeth_upper": upper, "teeth_lower": lower, "tongue": tongue()}


def backdrop(person: Person, size: int) -> Image:
    """(size, size, 3) BGR, 0 to 255: a soft gradient.

    It is dithered: without that the encoder shows bands.
    """
    centre, edge = (
        np.array([int(c[k : k + 2], 16) for k in (5, 3, 1)], np.float32) for c in person.backdrop
    )
    yy, xx = np.mgrid[0:size, 0:size] / size
    d = np.clip(np.hypot(xx - 0.42, yy - 0.35) / 0.95, 0, 1)[..., None]
    return dithered(centre * (1 - d) + edge * d)


def dithered(picture: Image) -> Image:
    """Rounded to whole numbers by an ordered pattern, which a PNG packs well."""
    pattern = np.zeros((1, 1))
    for _ in range(3):
        pattern = np.block([[4 * pattern, 4 * pattern + 2], [4 * pattern + 3, 4 * pattern + 1]])
    size = picture.shape[0]
    tiles = np.tile((pattern + 0.5) / pattern.size, (-(-size // 8), -(-size // 8)))
    return np.floor(picture + tiles[:size, :size, None]).astype(np.float32)


_shadow = shadows(distance, EVERYTHING, KEY)
_openness = openness(distance, EVERYTHING)


@kernel
def _mix(r, g, b, colour, k):
    return r * (1 - k) + colour[0] * k, g * (1 - k) + colour[1] * k, b * (1 - k) + colour[2] * k


@kernel
def _eye_colour(x, y, palette, h):
    """White, iris and pupil; the eyes turn in very slightly, towards the viewer."""
    side = 1.0 if x > 0 else -1.0
    dx, dy = x - side * (h.eye_x - 0.012), y - h.eye_y - 0.004
    away = math.sqrt(dx * dx + dy * dy)
    veil = step(0.09, 0.27, away)  # the white is a ball in a hollow: it darkens towards the lids
    r, g, b = 0.72 * (1 - 0.30 * veil), 0.705 * (1 - 0.42 * veil), 0.69 * (1 - 0.44 * veil)
    iris = 1 - step(0.114, 0.131, away)
    angle = math.atan2(dy, dx)
    fibre = 0.86 + 0.14 * math.sin(angle * 31 + 2.5 * math.sin(angle * 7)) * step(0.04, 0.09, away)
    ring = 1 - 0.68 * step(0.088, 0.124, away)
    bowl = 0.62 + 0.85 * step(0.07, -0.10, dy)  # the light that entered above leaves below
    collar = 1 + 0.30 * bell(away - 0.062, 0.014)
    r, g, b = _mix(r, g, b, palette[4] * 0.75 * (fibre * ring * bowl * collar), iris)
    pupil = 1 - 0.97 * (1 - step(0.046, 0.056, away))
    return r * pupil, g * pupil, b * pupil


@kernel
def _material(x, y, z, scene, h):
    if scene == EYES:
        return OF_EYE
    if scene == BODY and clothes(x, y, z, h) < neck(x, y, z, h):
        return OF_CLOTH
    return OF_SKIN


@kernel
def _shade(x, y, z, nx, ny, nz, vx, vy, vz, scene, palette, h):
    """The light that leaves the point towards the viewer (linear RGB), and its material."""
    material = _material(x, y, z, scene, h)
    gloss, polish = 0.0, 22.0
    if material == OF_SKIN:
        r, g, b, gloss = palette[0, 0], palette[0, 1], palette[0, 2], 0.16
        if scene == SKIN:
            r, g, b, gloss = skin_colour(x, y, z, palette, h)
    elif material == OF_CLOTH:
        r, g, b = cloth_colour(x, y, z, palette, h)
        gloss, polish = 0.03, 8.0
    else:
        r, g, b = _eye_colour(x, y, palette, h)
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
    if scene != EYES:
        rim = (1 - max(0.0, nx * vx + ny * vy + nz * vz)) ** 3.2
        rim *= max(0.0, nx * 0.75 + ny * 0.35 - nz * 0.15 + 0.25) * 0.75 * seen
        if scene == SKIN:  # at a turn of the head its band would be stretched
            rim *= 0.30
        r += rim * 0.85 * (0.35 + r)
        g += rim * 0.92 * (0.35 + g)
        b += rim * 1.05 * (0.35 + b)
    return r, g, b, material


_march = marcher(distance, _shade)
