"""Takes the eyes out of a picture: lids that are shut, and balls that can turn behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.landmarks import Point
from rtav.engines.avatar.paint import U8

IRIS = (0.14, 0.34)
"""Radius of an iris, of the width of its eye, at least and at most."""
BALL = 0.62
"""Radius of a ball, of the width of its eye."""
EDGE = 0.04  # of the eye's width, of the opening: lashes and the lid's line stay where they are
_PROFILE_STEPS = 48

Outline = NDArray[np.float64]  # (n, 2) px


def eyeballs(
    picture: U8, outlines: Mapping[str, Outline], points: Mapping[str, Point]
) -> tuple[U8, U8, dict[str, float]]:
    """The picture with its lids shut, the picture of the balls, and each ball's radius in px.

    `picture` is (S, S, 3) BGR, an outline is the opening between the lids.
    """
    balls = picture.copy()
    opening = np.zeros(picture.shape[:2], np.uint8)
    radii = {}
    for side, outline in outlines.items():
        cv2.fillPoly(opening, [np.rint(outline).astype(np.int32)], 255)
        width = float(np.ptp(outline[:, 0]))
        radii[side] = BALL * width
        _paint_ball(balls, picture, outline, points[f"pupil{side}"], width)
    return _shut(picture, opening, outlines), balls, radii


def _shut(picture: U8, opening: U8, outlines: Mapping[str, Outline]) -> U8:
    """Skin over the openings: the colour above grows down, the colour below up, softly."""
    shut: NDArray[np.floating[Any]] = picture.astype(np.float32)
    for outline in outlines.values():
        width = float(np.ptp(outline[:, 0]))
        reach = max(3, round(0.10 * width))  # lashes and liner lie around the opening
        hole = np.zeros(opening.shape, np.uint8)
        cv2.fillPoly(hole, [np.rint(outline).astype(np.int32)], 255)
        wide = cv2.dilate(hole, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        filled = cv2.inpaint(picture, wide, 5, cv2.INPAINT_TELEA).astype(np.float32)
        smooth = cv2.GaussianBlur(filled, (0, 0), max(1.0, 0.06 * width))
        share = cv2.GaussianBlur(wide, (0, 0), reach / 3)[..., None].astype(np.float32) / 255
        shut = shut * (1 - share) + 0.97 * smooth * share
    return np.asarray(np.clip(shut, 0, 255), np.uint8)


def _paint_ball(balls: U8, picture: U8, outline: Outline, pupil: Point, width: float) -> None:
    """Paint what the lids hide of a ball: the iris by its own colours, the white by its colour."""
    height, across = picture.shape[:2]
    reach = int(width)
    x0, y0 = (max(0, int(v) - reach) for v in pupil)
    x1, y1 = min(across, int(pupil[0]) + reach), min(height, int(pupil[1]) + reach)
    part = picture[y0:y1, x0:x1].astype(np.float32)
    inside = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(outline - [x0, y0]).astype(np.int32)], 255)
    edge = max(2, round(EDGE * width))
    kernel = np.ones((2 * edge + 1, 2 * edge + 1), np.uint8)
    core = cv2.erode(inside, kernel) > 0
    if not core.any():
        core = inside > 0
    yy, xx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    distance = np.hypot(xx + 0.5 - pupil[0], yy + 0.5 - pupil[1])
    iris = _iris_radius(part, core, distance, width)
    white = _white(part, core & (distance > 1.12 * iris))
    painted = np.where((distance < iris)[..., None], _profile(part, core, distance, iris), white)
    painted = cv2.GaussianBlur(painted, (0, 0), max(0.6, 0.012 * width))
    share = cv2.GaussianBlur(core.astype(np.float32), (0, 0), 1.0)[..., None]
    balls[y0:y1, x0:x1] = np.clip(part * share + painted * (1 - share), 0, 255).astype(np.uint8)


def _iris_radius(
    part: NDArray[np.float32],
    core: NDArray[np.bool_],
    distance: NDArray[np.float32],
    width: float,
) -> float:
    """Where it gets brighter fastest, from the pupil outwards to both sides."""
    grey = part @ np.array([0.114, 0.587, 0.299], np.float32)
    radii = np.linspace(IRIS[0] * width, IRIS[1] * width, 24)
    step = max(1.0, 0.03 * width)

    def ring(inner: float, outer: float) -> float:
        chosen = grey[core & (distance >= inner) & (distance < outer)]
        return float(chosen.mean()) if chosen.size > 4 else float("nan")

    contrast = np.array([ring(r, r + step) - ring(r - step, r) for r in radii])
    if np.isnan(contrast).all() or float(np.nanmax(contrast)) < 4:
        return 0.22 * width
    return float(radii[int(np.nanargmax(contrast))])


def _white(part: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The colour of the brighter half of what is around the iris."""
    colours = part[where]
    if len(colours) < 8:
        return np.array([225, 230, 232], np.float32)
    bright = colours.sum(1)
    return np.asarray(np.median(colours[bright >= np.median(bright)], 0), np.float32)


def _profile(
    part: NDArray[np.float32],
    core: NDArray[np.bool_],
    distance: NDArray[np.float32],
    iris: float,
) -> NDArray[np.float32]:
    """The iris as rings, each of the median colour that is seen of it."""
    ring = np.minimum((distance / iris * _PROFILE_STEPS).astype(np.int32), _PROFILE_STEPS - 1)
    colours = np.zeros((_PROFILE_STEPS, 3), np.float32)
    known = np.zeros(_PROFILE_STEPS, bool)
    for step in range(_PROFILE_STEPS):
        seen = part[core & (ring == step) & (distance < iris)]
        if len(seen):
            colours[step], known[step] = np.median(seen, 0), True
    if not known.any():
        return np.full_like(part, 60)
    steps = np.arange(_PROFILE_STEPS)
    for channel in range(3):
        colours[:, channel] = np.interp(steps, steps[known], colours[known, channel])
    smooth = cv2.blur(colours[:, None], (1, 3))[:, 0]
    return np.asarray(smooth[ring], np.float32)
