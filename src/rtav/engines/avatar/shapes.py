"""Expressions as displacements: what each channel does to a point of the head."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (..., 3)
Field = NDArray[np.float64]  # (...,)

CORNER = 0.34  # share of the jaw's movement that the mouth's corners follow
JAW_ANGLE = math.radians(15)
JAW_AXIS = (-0.05, -0.05)  # y, z, between the ears


def bell(t: Field, width: float) -> Field:
    """1 at 0, falling off to both sides: 0.37 at `width`."""
    return np.exp(-((t / width) ** 2))


def step(a: float, b: float, t: Field) -> Field:
    """From 0 up to `a` to 1 from `b` on, smooth between them."""
    t = np.clip((t - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True, slots=True)
class Mouth:
    """Where the mouth of a head is whose eyes and chin are where those of our own heads are."""

    half_width: float
    seam: Callable[[Field], Field]
    """Height of the closed mouth line at x."""


class Spot:
    """What every shape asks about the points it moves.

    `upper` is true for the field that moves the upper lip and everything above the seam: at the
    seam the two fields differ, which is what opens the mouth.
    """

    def __init__(self, points: Points, mouth: Mouth, *, upper: bool) -> None:
        self.x, self.y, self.z = (points[..., i].astype(np.float64) for i in range(3))
        self.upper = upper
        self.half_width = mouth.half_width
        self.front = step(-0.25, 0.35, self.z)
        self.u = np.abs(self.x) / mouth.half_width
        self.above = self.y - mouth.seam(self.x)
        self.side = np.sign(self.x)
        edge = np.clip(self.x, -mouth.half_width, mouth.half_width)
        self.bend = mouth.seam(edge) - mouth.seam(np.zeros_like(edge))  # of the closed mouth line
        # an open mouth is round: anything else leaves black wedges in its corners. A true ellipse
        # (0.5) ends more steeply than the raster can follow, and the corners come apart
        self.ellipse = np.clip(1 - self.u * self.u, 0, 1) ** 0.7
        self.taper = 1 - (1 - self.ellipse) * bell(self.above, 0.10)
        self.around = bell(self.above, 0.26) * self.front
        self.lips = bell(self.above, 0.20) * np.exp(-(np.maximum(self.u - 0.8, 0) ** 2) / 0.5)
        self.lips *= self.front
        self.beyond = np.maximum(np.abs(self.x) - mouth.half_width, 0)

    def half(self, side: float) -> Field:
        """1 on the subject's left (side 1) or right (-1), soft across the middle, together 1."""
        return step(-0.12, 0.12, self.x * side)

    def move(
        self, x: Field | float = 0.0, y: Field | float = 0.0, z: Field | float = 0.0
    ) -> Points:
        zero = np.zeros_like(self.x)
        return np.stack([zero + x, zero + y, zero + z], -1)


def displacements(points: Points, mouth: Mouth, *, upper: bool) -> dict[str, Points]:
    """Every shape's displacement of `points`, at full strength."""
    spot = Spot(points, mouth, upper=upper)
    shapes = {**_jaw(spot), **_lips(spot), **_middle(spot)}
    for name, side in (("Left", 1.0), ("Right", -1.0)):
        shapes |= {shape + name: moved for shape, moved in _sided(spot, side).items()}
    return shapes


def _jaw(s: Spot) -> dict[str, Points]:
    outside = CORNER * np.exp(-(((s.u - 1) / 0.75) ** 2))
    profile = np.where(s.u < 1, CORNER + (1 - CORNER) * s.ellipse, outside)
    below = step(0.02, -0.30, s.above)  # 0 at the seam, 1 on the chin
    wide = step(1.02, 0.55, np.abs(s.x) / 0.62)
    jaw = np.maximum(profile * (1 - below), 0) + below * wide
    corner = np.where(s.u < 1, CORNER * (1 - s.ellipse), outside)
    dragged = corner * np.exp(-np.maximum(s.above, 0) / 0.16)
    if s.upper:
        t = step(-0.28, -0.50, s.above)
        inside = corner * np.exp(np.minimum(s.above, 0) / 0.25) * (1 - t) + t * jaw
        weight = np.where(s.above >= 0, dragged, inside)
    else:
        over = np.where(s.above > 0, jaw * np.exp(-np.maximum(s.above, 0) / 0.10), 0)
        under = jaw * (0.25 + 0.75 * s.front)
        weight = np.where(s.above <= 0, under, np.maximum(over, dragged))
    ry, rz = s.y - JAW_AXIS[0], s.z - JAW_AXIS[1]
    c, sn = math.cos(JAW_ANGLE), math.sin(JAW_ANGLE)
    dy, dz = ry * c - rz * sn - ry, ry * sn + rz * c - rz
    return {
        "jawOpen": s.move(
            -s.x * (0.10 * weight + 0.08 * s.lips * bell(s.above, 0.12)),
            dy * weight,
            dz * weight * 0.6,
        ),
        "jawLeft": s.move(0.06 * np.maximum(weight, below * wide)),
    }


def _lips(s: Spot) -> dict[str, Points]:
    near = np.exp(-((s.beyond / 0.22) ** 2))
    lateral = np.exp(-(((np.abs(s.x) - s.half_width) / 0.24) ** 2))
    round_ = (0.030 if s.upper else -0.045) * s.lips * bell(s.u, 1.8) * s.taper
    part = (0.004 if s.upper else -0.026) * s.lips * s.taper
    pull = np.minimum(s.u, 1) * np.exp(-((s.beyond / 0.25) ** 2))
    roll_upper = (-0.034 if s.upper else 0.0) * s.lips * bell(s.above - 0.05, 0.07)
    roll_lower = (0.0 if s.upper else 0.040) * s.lips * bell(s.above + 0.06, 0.08)
    return {
        "mouthPucker": s.move(
            -s.x * 0.48 * s.around * near, part + (s.above * 0.16 - s.bend) * s.lips, 0.075 * s.lips
        ),
        "mouthFunnel": s.move(-s.x * 0.30 * s.around * near, round_, 0.065 * s.lips),
        "mouthStretch": s.move(
            s.side * 0.070 * s.around * pull,
            -0.010 * s.around * lateral,
            -0.02 * s.around * lateral,
        ),
        "mouthRollUpper": s.move(y=roll_upper, z=-0.02 * s.lips),
        "mouthRollLower": s.move(y=roll_lower, z=-0.02 * s.lips),
        "mouthClose": s.move(y=(0.0 if s.upper else 0.05) * s.lips),
    }


def _middle(s: Spot) -> dict[str, Points]:
    brow = np.exp(-(((np.abs(s.x) - 0.16) / 0.20) ** 2) - ((s.y - 0.42) / 0.19) ** 2) * s.front
    puff = np.exp(-(((np.abs(s.x) - 0.36) / 0.22) ** 2) - ((s.y + 0.40) / 0.24) ** 2) * s.front
    nose = np.exp(-(((np.abs(s.x) - 0.12) / 0.10) ** 2) - ((s.y + 0.15) / 0.14) ** 2) * s.front
    return {
        "browInnerUp": s.move(y=0.090 * brow),
        "cheekPuff": s.move(s.side * 0.055 * puff, 0.0, 0.06 * puff),
        "noseSneer": s.move(y=0.03 * nose),
    }


def _sided(s: Spot, side: float) -> dict[str, Points]:
    here = s.front * s.half(side)
    ax = np.abs(s.x)
    reach = np.where(ax < s.half_width, 0.20, 0.30)  # the corners rise more than the middle
    corner = np.exp(-(((ax - s.half_width) / reach) ** 2) - (s.above / 0.27) ** 2) * here
    sulk = np.exp(-(((ax - s.half_width) / 0.19) ** 2) - (s.above / 0.24) ** 2) * here
    pout = 0.014 * bell(ax, 0.14) * bell(s.above, 0.20) * here
    cheek = np.exp(-(((ax - 0.38) / 0.24) ** 2) - ((s.y + 0.20) / 0.19) ** 2) * here
    up = np.exp(-((ax / 0.19) ** 2)) * np.exp(-((np.maximum(s.above, 0) / 0.20) ** 2))
    down = np.exp(-(((ax - 0.07) / 0.17) ** 2)) * np.exp(-((np.maximum(-s.above, 0) / 0.22) ** 2))
    outer = np.exp(-(((ax - 0.42) / 0.20) ** 2) - ((s.y - 0.44) / 0.17) ** 2) * here
    inner = np.exp(-(((ax - 0.22) / 0.21) ** 2) - ((s.y - 0.40) / 0.16) ** 2) * here
    lift = (0.056 if s.upper else 0.0) * up * here * s.taper * (s.above > -0.3)
    drop = (0.0 if s.upper else -0.062) * down * here * s.taper
    return {
        "mouthSmile": s.move(
            side * 0.092 * corner, 0.072 * corner + 0.045 * cheek, 0.03 * cheek - 0.03 * corner
        ),
        "mouthFrown": s.move(-side * 0.012 * corner, pout - 0.095 * sulk),
        "mouthUpperUp": s.move(y=lift),
        "mouthLowerDown": s.move(y=drop),
        "cheekSquint": s.move(y=0.045 * cheek, z=0.02 * cheek),
        "browOuterUp": s.move(y=0.095 * outer),
        "browDown": s.move(-side * 0.036 * inner, -0.066 * inner),
    }
