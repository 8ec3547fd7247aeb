"""Drawing by curves: flat fills, clipped shadows and ink lines that swell and taper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]  # (H, W), 0 to 255
Curve = NDArray[np.float64]  # (n, 2)
Points = Sequence[tuple[float, float]]

DESIGN_PX = 720  # the drawing's own units: pixels of a frame this high, x from its middle
SMOOTHNESS = 14  # points drawn between two that are given
SHIFT = 4


def spline(points: Points | Curve, *, closed: bool = False) -> Curve:
    """A smooth curve through `points`; a point given twice in a row is a corner."""
    p = np.asarray(points, np.float64)
    before = p[-1:] if closed else 2 * p[:1] - p[1:2]
    after = p[:2] if closed else 2 * p[-1:] - p[-2:-1]
    q = np.concatenate([before, p, after])
    t = np.linspace(0, 1, SMOOTHNESS, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(q, q[1:], q[2:], q[3:], strict=False):
        if np.allclose(b, c):
            continue
        m, n = (c - a) / 2, (d - b) / 2
        if np.allclose(a, b):
            m = (c - b) / 2
        if np.allclose(c, d):
            n = (c - b) / 2
        pieces.append(
            (2 * t**3 - 3 * t**2 + 1) * b
            + (t**3 - 2 * t**2 + t) * m
            + (-2 * t**3 + 3 * t**2) * c
            + (t**3 - t**2) * n
        )
    if not closed:
        pieces.append(p[-1:])
    return np.concatenate(pieces)


def even(curve: Curve, count: int) -> Curve:
    """`count` points along `curve`, equally far from one another."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, curve[:, i]) for i in (0, 1)], 1)


def mirrored(points: Points) -> list[tuple[float, float]]:
    return [(-x, y) for x, y in points]


def taper(width: float, *, start: float = 0.0, end: float = 0.0) -> Callable[[Curve], Curve]:
    """Widths along a line that is `width` in its middle and `start`, `end` of that at its ends."""

    def at(t: Curve) -> Curve:
        swell = np.sin(np.pi * np.clip(t, 0, 1)) ** 0.7
        ends = np.where(t < 0.5, start, end)
        return width * (ends + (1 - ends) * swell)

    return at


class Sheet:
    """A transparent sheet of `size` pixels square, to draw on in design units."""

    def __init__(self, size: int, ground: str) -> None:
        """`ground` is the colour that soft edges run out into: that of the outlines."""
        self.size = size
        self.colour = np.empty((size, size, 3), np.float32)
        self.colour[:] = rgb(ground)
        self.cover = np.zeros((size, size), np.uint8)

    def mask(self, curve: Curve) -> Mask:
        """The inside of a closed curve."""
        mask = np.zeros((self.size, self.size), np.uint8)
        cv2.fillPoly(mask, [self._fixed(curve)], 255, cv2.LINE_AA, SHIFT)
        return mask

    def paint(self, mask: Mask, colour: str, *, opacity: float = 1.0, within: Mask | None) -> None:
        """Colour what `mask` covers; what lies outside `within` is left alone."""
        if within is None:
            self.cover = np.maximum(self.cover, mask)
        else:
            mask = np.minimum(mask, within)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            return
        s = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        share = mask[s].astype(np.float32)[..., None] * np.float32(opacity / 255)
        self.colour[s] += share * (rgb(colour) - self.colour[s])

    def fill(self, curve: Curve, colour: str, *, opacity: float = 1.0, within: Mask | None) -> Mask:
        mask = self.mask(curve)
        self.paint(mask, colour, opacity=opacity, within=within)
        return mask

    def line(
        self,
        curve: Curve,
        widths: Callable[[Curve], Curve],
        colour: str,
        *,
        opacity: float = 1.0,
        within: Mask | None = None,
    ) -> Mask:
        """A line along `curve`, as wide as `widths` says by the share of its length."""
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
        half = widths(along / max(along[-1], 1e-6))[:, None] / 2
        tangent = np.gradient(curve, axis=0)
        tangent /= np.maximum(np.hypot(*tangent.T), 1e-6)[:, None]
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
        outline = np.concatenate([curve + normal * half, (curve - normal * half)[::-1]])
        return self.fill(outline, colour, opacity=opacity, within=within)

    def ellipse(
        self,
        at: tuple[float, float],
        radii: tuple[float, float],
        colour: str,
        *,
        turn: float = 0.0,
        opacity: float = 1.0,
        within: Mask | None,
    ) -> Mask:
        """`turn` is in radians."""
        a = np.linspace(0, 2 * np.pi, 96, endpoint=False)
        x, y = np.cos(a) * radii[0], np.sin(a) * radii[1]
        c, s = np.cos(turn), np.sin(turn)
        curve = np.stack([at[0] + x * c - y * s, at[1] + x * s + y * c], 1)
        return self.fill(curve, colour, opacity=opacity, within=within)

    def _fixed(self, curve: Curve) -> NDArray[np.int32]:
        scale = self.size / DESIGN_PX
        x, y = (curve[:, 0] + DESIGN_PX / 2) * scale - 0.5, curve[:, 1] * scale - 0.5
        return np.rint(np.stack([x, y], 1) * (1 << SHIFT)).astype(np.int32)


def rgb(hexadecimal: str) -> NDArray[np.float32]:
    digits = hexadecimal.lstrip("#")
    return np.array([int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)], np.float32)
