"""Glasses: two rims, a bridge and two arms, drawn like very thick hair."""

from __future__ import annotations

import numpy as np
from heads import Head
from numpy.typing import NDArray
from strands import Strands

Points = NDArray[np.float64]

WIDTH = 0.016  # of the wire, head units
HALF_WIDTH, HALF_HEIGHT, SQUARE = 0.232, 0.196, 2.4  # of a lens; 2: an ellipse
FRONT_Z = 0.865
POINTS = 96


def _bent(x: Points, y: Points) -> Points:
    """On the face of the glasses: it curves back towards the temples."""
    return np.stack([x, y, FRONT_Z - 0.36 * np.maximum(0, np.abs(x) - 0.10) ** 1.6], -1)


def rim(head: Head, side: float) -> Points:
    """(POINTS, 3) around one lens."""
    a = np.linspace(0, 2 * np.pi, POINTS)
    c, s = np.cos(a), np.sin(a)
    x = np.sign(c) * np.abs(c) ** (2 / SQUARE) * HALF_WIDTH + side * (head.eye_x + 0.004)
    y = np.sign(s) * np.abs(s) ** (2 / SQUARE) * HALF_HEIGHT + head.eye_y - 0.012
    return _bent(x, y)


def spectacles(head: Head, colour: NDArray[np.float64]) -> tuple[Strands, NDArray[np.float32]]:
    """The wire, and its light (n, POINTS, 3): metal mirrors the lamp from above."""
    t = np.linspace(0, 1, POINTS)
    half = head.eye_x - HALF_WIDTH + 0.004
    bridge = _bent((2 * t - 1) * half, head.eye_y + 0.045 + 0.035 * np.sin(np.pi * t))
    bridge[:, 2] += 0.01
    lines = [rim(head, 1.0), rim(head, -1.0), bridge]
    outer = head.eye_x + HALF_WIDTH
    for side in (1.0, -1.0):
        start = _bent(np.array([side * outer]), np.array([head.eye_y + 0.06]))[0]
        ear = np.array([side * (head.skull_width - 0.01), head.eye_y + 0.075, 0.0])
        arm = start + (ear - start) * t[:, None]
        lines.append(arm)
    points = np.stack(lines)
    tangent = np.gradient(points, axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True)
    glint = np.exp(-(((points[..., 0] % 0.6 - 0.16) / 0.05) ** 2)) * (tangent[..., 1] < 0.6)
    up = 0.45 + 0.55 * np.abs(tangent[..., 0])
    light = colour * up[..., None] + 0.5 * glint[..., None] * (points[..., 1:2] > head.eye_y)
    width = np.full(len(points), WIDTH)
    strands = Strands(
        points.astype(np.float32),
        np.tile(colour, (len(points), 1)).astype(np.float32),
        width.astype(np.float32),
    )
    return strands, light.astype(np.float32)
