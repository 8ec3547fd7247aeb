"""Rays from the camera to any distance field: where they meet it, and what surrounds the point."""

# ruff: noqa: PLR0913 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from heads import CAMERA_Y, CAMERA_Z, FOCAL
from numba import njit, prange
from sdf import kernel

NOTHING, OF_SKIN, OF_HAIR, OF_CLOTH, OF_EYE = range(5)

Kernel = Callable[..., Any]  # what numba compiles has no signature that mypy could know


class Picture(NamedTuple):
    """One scene: `position` (H, W, 3) head units, `material` (H, W), `colour` (H, W, 3) RGB 0-1.

    `cover` (H, W), 0 to 1, is there if a pixel may be covered in part: by hairs.
    """

    position: np.ndarray
    material: np.ndarray
    colour: np.ndarray
    cover: np.ndarray | None = None


def linear(hexadecimal: str) -> list[float]:
    """The light of an sRGB colour, by channel."""
    digits = hexadecimal.lstrip("#")
    return [(int(digits[k : k + 2], 16) / 255) ** 2.2 for k in (0, 2, 4)]


def tone(light: np.ndarray, exposure: float) -> np.ndarray:
    """sRGB, 0 to 1, of linear light: bright light is compressed, as film does."""
    c = np.maximum(light, 0) * exposure
    y = (c * (2.51 * c + 0.03)) / (c * (2.43 * c + 0.59) + 0.14)
    return np.clip(y, 0, 1) ** (1 / 2.2)


def normals(distance: Kernel) -> Kernel:
    """(x, y, z, scene, head) to the direction in which `distance` of `scene` grows."""

    @kernel
    def normal(x, y, z, scene, h):
        e = 0.0015
        a = distance(x + e, y - e, z - e, scene, h)
        b = distance(x - e, y - e, z + e, scene, h)
        c = distance(x - e, y + e, z - e, scene, h)
        d = distance(x + e, y + e, z + e, scene, h)
        nx, ny, nz = a - b - c + d, -a - b + c + d, -a + b - c + d
        inverse = 1 / (math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
        return nx * inverse, ny * inverse, nz * inverse

    return normal


def shadows(distance: Kernel, scene: int, towards: tuple[float, float, float]) -> Kernel:
    """(x, y, z, head) to the light, 0 to 1, that `scene` lets through to there from `towards`."""
    sx, sy, sz = towards

    @kernel
    def shadow(x, y, z, h):
        t, light = 0.05, 1.0
        for _ in range(28):
            d = distance(x + sx * t, y + sy * t, z + sz * t, scene, h)
            light = min(light, 0.5 + 2.5 * d / t)
            if light < 0.0:
                break
            t += min(max(d, 0.03), 0.16)
            if t > 2.6:
                break
        light = max(light, 0.0)
        return light * light * (3 - 2 * light)

    return shadow


def openness(distance: Kernel, scene: int) -> Kernel:
    """(x, y, z, normal, head) to how much of the sky, 0 to 1, the point of `scene` sees."""

    @kernel
    def openness_at(x, y, z, nx, ny, nz, h):
        hidden, weight = 0.0, 1.0
        for i in range(1, 6):
            t = 0.055 * i
            hidden += (t - distance(x + nx * t, y + ny * t, z + nz * t, scene, h)) * weight
            weight *= 0.78
        return max(0.0, min(1.0, 1 - 1.55 * hidden))

    return openness_at


def marcher(distance: Kernel, shade: Kernel) -> Kernel:
    """(size, scene, palette, head, position, material, colour): fill the last three, (size, size).

    `distance` is (x, y, z, scene, head) to head units, `shade` (point, normal, direction of the
    viewer, scene, palette, head) to linear RGB and material.
    """
    normal = normals(distance)

    @njit(fastmath=True, parallel=True)
    def march(size, scene, palette, h, position, material, colour):
        for j in prange(size):
            for i in range(size):
                rx = ((i + 0.5) / size * 2 - 1) / FOCAL
                ry = (1 - (j + 0.5) / size * 2) / FOCAL
                inverse = 1 / math.sqrt(rx * rx + ry * ry + 1)
                rx, ry, rz = rx * inverse, ry * inverse, -inverse
                t, met = 5.2, False
                for _ in range(160):
                    d = distance(rx * t, CAMERA_Y + ry * t, CAMERA_Z + rz * t, scene, h)
                    if d < 0.0006:
                        met = True
                        break
                    t += d * 0.8
                    if t > 9.5:
                        break
                if not met:
                    continue
                x, y, z = rx * t, CAMERA_Y + ry * t, CAMERA_Z + rz * t
                nx, ny, nz = normal(x, y, z, scene, h)
                r, g, b, m = shade(x, y, z, nx, ny, nz, -rx, -ry, -rz, scene, palette, h)
                position[j, i, 0], position[j, i, 1], position[j, i, 2] = x, y, z
                colour[j, i, 0], colour[j, i, 1], colour[j, i, 2] = r, g, b
                material[j, i] = m

    return march
