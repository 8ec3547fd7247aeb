"""Where the features of a face are and how its lids are cut: what the bake asks of any head."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.shapes import Mouth, displacements

Curve = NDArray[np.float64]  # (n, 3) head units


class Lids(NamedTuple):
    """The opening between the lids of one eye, in head units about the eye's middle."""

    radius: float = 0.273
    """Of the ball that the lids lie on: a little more than the eye's."""
    half_width: float = 0.188
    up: tuple[float, float, float] = (0.100, 2.2, -0.10)
    """Height of the upper lid, how square its arch is (2: an ellipse), how far out its top is."""
    low: tuple[float, float, float] = (0.088, 2.1, 0.12)
    """The same of the lower lid."""
    shut: tuple[float, float] = (0.002, -0.068)
    """Height of the line where the lids meet at its ends, and how far its middle is from there."""
    middle: float = 0.006
    tilt: float = 0.016
    """Rise of the outer corner."""
    ends: float = 0.0
    """How much closer the curve's points are at the corners, 0 to 1: round corners need it."""

    def curve(self, eye: tuple[float, float, float, float], part: str, points: int) -> Curve:
        """The edge of the open upper (`up`) or lower (`low`) lid, or where they meet (`shut`)."""
        x_eye, y_eye, z_eye, _ = eye
        side = 1.0 if x_eye > 0 else -1.0
        u = np.linspace(-1, 1, points)
        u += self.ends * (np.sin(np.pi / 2 * u) - u)
        x, tilt = x_eye + self.half_width * u, self.tilt * u * side
        if part == "shut":
            y = y_eye + self.shut[0] + self.shut[1] * (1 - u * u) + tilt
        else:
            height, square, lean = self.up if part == "up" else self.low
            arch = np.sqrt(1 - np.abs(u) ** square) * (1 + lean * u * side)
            y = y_eye + self.middle + (height if part == "up" else -height) * arch + tilt
        depth = (self.radius + 0.004) ** 2 - (x - x_eye) ** 2 - (y - y_eye) ** 2
        return np.stack([x, y, z_eye + np.sqrt(np.clip(depth, 0.03, None))], -1)


class Features(NamedTuple):
    """Eyes and mouth of a face, in head units."""

    eye: tuple[float, float, float, float]
    """Middle and radius of the subject's left eye; the other one mirrors it."""
    mouth: Mouth
    mouth_y: float
    lids: Lids = Lids()
    lift: float = 0.0
    """How far the upper lip rises as the mouth opens, head units: round, not downwards."""
    soft: Callable[[Curve], NDArray[np.float64]] | None = None
    """Share of the shapes that points (..., 3) follow: a robot has rigid parts. None: all."""

    def displacements(self, points: Curve, *, upper: bool) -> dict[str, Curve]:
        """Every shape's displacement of `points`, at full strength."""
        moved = displacements(points, self.mouth, upper=upper)
        if self.lift and upper:
            rise = self._lift(points)  # not with the pucker: lips meet in the middle of one
            moved["jawOpen"] = moved["jawOpen"] + rise
            moved["mouthFunnel"] = moved["mouthFunnel"] + 0.5 * rise
        if self.soft is None:
            return moved
        share = self.soft(points)[..., None]
        return {name: change * share for name, change in moved.items()}

    def _lift(self, points: Curve) -> Curve:
        x, y = points[..., 0], points[..., 1]
        across = np.sqrt(np.clip(1 - (x / self.mouth.half_width) ** 2, 0, 1))
        near = np.exp(-(((y - self.mouth.seam(x)) / 0.13) ** 2))
        rise = np.zeros_like(points)
        rise[..., 1] = self.lift * across * near
        return rise

    def eyes(self) -> dict[str, tuple[float, float, float, float]]:
        x, y, z, r = self.eye
        return {"Left": (x, y, z, r), "Right": (-x, y, z, r)}
