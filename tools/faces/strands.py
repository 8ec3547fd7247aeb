"""Hair as strands: grown from roots over a head, lit by what lies around them, drawn as lines."""

# ruff: noqa: PLR0913, PLR0915 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from heads import CAMERA_Y, CAMERA_Z, FOCAL
from march import Picture
from numba import njit, prange
from numpy.typing import NDArray

Floats = NDArray[np.float32]

KEY = np.array([-0.52, 0.56, 0.645])
CELLS = 80  # of the grid that holds how dense the hair is
DENSEST = 45.0  # area per volume; a bun's would swallow all light
ORIGIN, EXTENT = np.array([-1.75, -2.0, -1.75]), 3.5  # head units


class Strands(NamedTuple):
    """Lines in space: `points` (n, s, 3) head units, `colour` (n, 3) linear, `width` (n,)."""

    points: Floats
    colour: Floats
    width: Floats

    def tangents(self) -> Floats:
        t = np.gradient(self.points, axis=1)
        return t / (np.linalg.norm(t, axis=-1, keepdims=True) + 1e-9)


# --- light -----------------------------------------------------------------------------------


class Density(NamedTuple):
    """How much hair there is around a point."""

    near: Floats
    """(CELLS,) * 3, by x, y, z."""
    wide: Floats
    """The same, smoothed: its gradient leads into the hair."""


def density_of(parts: list[Strands]) -> Density:
    """Hair counts by the area it covers."""
    cells = np.zeros(CELLS**3)
    for strands in parts:
        at = ((strands.points.reshape(-1, 3) - ORIGIN) / EXTENT * CELLS).astype(np.int64)
        at = np.clip(at, 0, CELLS - 1)
        step = np.linalg.norm(np.diff(strands.points, axis=1), axis=-1).mean(1)
        area = np.repeat(step * strands.width, strands.points.shape[1])
        cells += np.bincount(np.ravel_multi_index(at.T, (CELLS,) * 3), area, CELLS**3)
    grid = cells.reshape((CELLS,) * 3).astype(np.float32) / (EXTENT / CELLS) ** 3
    near = np.minimum(_smooth(grid, 1), DENSEST)
    return Density(near, _smooth(near, 2))


def _smooth(cells: Floats, rounds: int) -> Floats:
    for _ in range(rounds):
        for axis in range(3):
            cells = (np.roll(cells, 1, axis) + 2 * cells + np.roll(cells, -1, axis)) / 4
    return cells


@njit(fastmath=True)
def _cell(cells, x, y, z):
    """The value of `cells` at a point, between its cells' middles."""
    u = (x - ORIGIN[0]) / EXTENT * CELLS - 0.5
    v = (y - ORIGIN[1]) / EXTENT * CELLS - 0.5
    w = (z - ORIGIN[2]) / EXTENT * CELLS - 0.5
    i, j, k = int(math.floor(u)), int(math.floor(v)), int(math.floor(w))
    if i < 0 or j < 0 or k < 0 or i > CELLS - 2 or j > CELLS - 2 or k > CELLS - 2:
        return 0.0
    a, b, c = u - i, v - j, w - k
    total = 0.0
    for di in range(2):
        for dj in range(2):
            for dk in range(2):
                share = (a if di else 1 - a) * (b if dj else 1 - b) * (c if dk else 1 - c)
                total += share * cells[i + di, j + dj, k + dk]
    return total


@njit(fastmath=True, parallel=True)
def through(cells, points, x, y, z, first, steps, pace):
    """Hair passed on the way from each of `points` (n, 3) towards (x, y, z): area per area."""
    passed = np.zeros(len(points))
    for n in prange(len(points)):
        for i in range(steps):
            t = first + i * pace
            passed[n] += pace * _cell(
                cells, points[n, 0] + x * t, points[n, 1] + y * t, points[n, 2] + z * t
            )
    return passed


SKY = ((0.0, 1.0, 0.1), (0.75, 0.35, 0.55), (-0.75, 0.35, 0.55), (0.0, 0.1, 1.0), (0.9, 0.1, -0.4))


def shade(strands: Strands, density: Density, gloss: float) -> Floats:
    """(n, s, 3) linear light from every point of the strands."""
    p = strands.points.reshape(-1, 3).astype(np.float64)
    tangent = strands.tangents().reshape(-1, 3)
    n, s = strands.points.shape[:2]
    lit = np.exp(-0.50 * through(density.near, p, *KEY, 0.03, 14, 0.05))
    sky = [np.exp(-0.42 * through(density.near, p, *d, 0.03, 6, 0.055)) for d in SKY]
    seen = np.mean(sky, 0)
    outwards = _outwards(density.wide, p)
    view = np.array([0.0, CAMERA_Y, CAMERA_Z]) - p
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    volume = np.clip((outwards @ KEY + 0.30) / 1.30, 0, 1)
    fibre = np.sqrt(np.clip(1 - (tangent @ KEY) ** 2, 0, 1))
    diffuse = (0.62 * volume + 0.38 * fibre) * (0.12 + 0.88 * lit)
    half = KEY + view
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    rng = np.random.default_rng(3)
    shift = np.repeat(rng.normal(0, 0.09, n), s)
    along = np.einsum("ij,ij->i", tangent, half)
    facing = np.clip(np.einsum("ij,ij->i", outwards, half) * 1.5 - 0.25, 0, 1)
    sharp = np.clip(1 - (along + shift - 0.06) ** 2, 0, 1) ** 45 * lit * facing
    wide = np.clip(1 - (along + shift + 0.16) ** 2, 0, 1) ** 12 * (0.25 + 0.75 * lit) * seen
    colour = np.repeat(strands.colour, s, 0).astype(np.float64)
    fill = np.clip(outwards @ np.array([0.78, 0.10, 0.62]), 0, 1)
    light = 1.75 * diffuse + (0.40 + 0.30 * fill) * seen + 0.10
    out = colour * (light + 0.75 * gloss * wide)[:, None] + 0.035 * gloss * wide[:, None]
    out += gloss * 0.16 * sharp[:, None] * (0.75 + 1.3 * np.sqrt(colour))
    rim = (1 - np.clip(np.einsum("ij,ij->i", outwards, view), 0, 1)) ** 3
    rim *= np.clip(outwards @ np.array([0.75, 0.35, -0.15]) + 0.25, 0, 1) * seen
    out += rim[:, None] * (0.05 + 0.9 * colour) * np.array([0.85, 0.92, 1.05])
    return out.reshape(n, s, 3).astype(np.float32)


def _outwards(cells: Floats, p: NDArray[np.float64]) -> NDArray[np.float64]:
    slope = np.stack(np.gradient(cells), -1)
    at = np.clip(((p - ORIGIN) / EXTENT * CELLS).astype(np.int64), 0, CELLS - 1)
    out = -slope[at[:, 0], at[:, 1], at[:, 2]].astype(np.float64)
    # where the hair is even all around, its shape is that of the head
    away = p - np.array([0.0, 0.25, -0.10])
    away /= np.linalg.norm(away, axis=1, keepdims=True) + 1e-9
    out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-6
    out = out + 0.9 * away
    return out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9)


# --- drawing ---------------------------------------------------------------------------------


def draw(
    onto: Picture, strands: Strands, light: Floats, *, behind: Floats | None, nearest: float = 9.0
) -> None:
    """Draw lines into the picture's `colour` (premultiplied), `cover` and `position`.

    `behind` is the depth (H, W) that hides what is farther; `light` (n, s, 3) is display colour.
    Nothing nearer than z = `nearest` is drawn.
    """
    size = onto.colour.shape[0]
    p = strands.points.astype(np.float64)
    scale = FOCAL / (CAMERA_Z - p[..., 2])
    x = (p[..., 0] * scale + 1) * size / 2
    y = (1 - (p[..., 1] - CAMERA_Y) * scale) * size / 2
    s = p.shape[1]
    taper = np.interp(np.linspace(0, 1, s), [0, 0.1, 0.6, 1], [0.8, 1.0, 0.9, 0.25])
    width = strands.width[:, None] * taper * scale * size / 2
    a, b = np.s_[:, :-1], np.s_[:, 1:]
    ends = np.stack([x[a], y[a], x[b], y[b], p[..., 2][a], p[..., 2][b], width[a]], -1)
    ends = ends.reshape(-1, 7)
    colours = ((light[a] + light[b]) / 2).reshape(-1, 3).astype(np.float64)
    depth = ends[:, 4] + ends[:, 5]
    order = np.argsort(depth, kind="stable")
    order = order[depth[order] < 2 * nearest]
    limit = np.full((size, size), -9.0) if behind is None else behind.astype(np.float64)
    _draw(ends[order], colours[order], limit, onto.colour, onto.cover, onto.position)


BANDS = 8


@njit(fastmath=True, parallel=True)
def _draw(ends, colours, limit, colour, cover, position):
    size = limit.shape[0]
    for band in prange(BANDS):
        first, last = size * band // BANDS, size * (band + 1) // BANDS
        for n in range(len(ends)):
            ax, ay, bx, by, az, bz, w = ends[n]
            reach = 0.5 * w + 1.0
            y0 = max(first, int(min(ay, by) - reach))
            y1 = min(last, int(max(ay, by) + reach) + 1)
            if y1 <= y0:
                continue
            x0, x1 = max(0, int(min(ax, bx) - reach)), min(size, int(max(ax, bx) + reach) + 1)
            dx, dy = bx - ax, by - ay
            square = dx * dx + dy * dy + 1e-9
            length = math.sqrt(square)
            thin = min(1.0, w)  # a line thinner than a pixel covers a part of it
            for j in range(y0, y1):
                for i in range(x0, x1):
                    px, py = i + 0.5 - ax, j + 0.5 - ay
                    h = (px * dx + py * dy) / square
                    if h < 0.0 or h >= 1.0:
                        continue
                    away = abs(px * dy - py * dx) / length
                    a = min(1.0, 0.5 + 0.5 * max(w, 1.0) - away) * thin
                    z = az + (bz - az) * h
                    if a <= 0.0 or z < limit[j, i]:
                        continue
                    for c in range(3):
                        colour[j, i, c] = colour[j, i, c] * (1 - a) + colours[n, c] * a
                    cover[j, i] += (1 - cover[j, i]) * a
                    if a > 0.25:
                        s = FOCAL / (CAMERA_Z - z)
                        position[j, i, 0] = ((i + 0.5) / size * 2 - 1) / s
                        position[j, i, 1] = (1 - (j + 0.5) / size * 2) / s + CAMERA_Y
                        position[j, i, 2] = z


def backed(picture: Picture, reach_px: float, dim: float) -> None:
    """Close the pores between the strands with what is around them, in shade."""
    cover, colour = picture.cover, picture.colour
    weight = cv2.GaussianBlur(cover, (0, 0), reach_px)
    around = cv2.GaussianBlur(colour, (0, 0), reach_px) / np.maximum(weight, 1e-3)[..., None]
    thick = np.clip((weight - 0.55) / 0.25, 0, 1) * (1 - cover)
    colour += around * dim * thick[..., None]
    cover += thick


def straight(picture: Picture) -> Picture:
    """The picture with colours that are not premultiplied by `cover`."""
    return picture._replace(colour=picture.colour / np.maximum(picture.cover, 1e-3)[..., None])
