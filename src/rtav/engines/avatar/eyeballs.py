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
LASHES = 0.13  # of the eye's width: lashes and liner around the opening
SKIN = 0.30  # of the eye's width: how far around that the skin tells the lid's colour
FARTHER = 0.22  # of the eye's width: how far lashes and make-up may go on beyond
MAKE_UP = 30.0  # of 255: what differs more from the skin is none
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


def lash_px(picture: U8, outlines: Mapping[str, Outline]) -> float:
    """How thick the dark line above the eyes is, in px: lashes, liner, a pen's stroke."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (3, 3), 0)
    found = []
    for outline in outlines.values():
        points = len(outline) // 2
        width = float(np.ptp(outline[:, 0]))
        up = round(FARTHER * width)
        for x, y in np.rint(outline[points // 4 : points * 3 // 4]).astype(int):  # of the upper lid
            column = grey[max(0, y - 2 * up) : y, min(x, grey.shape[1] - 1)].astype(float)
            skin = float(np.percentile(column[: max(1, up)], 70))
            found.append(float(np.count_nonzero(column[-up:] < skin - MAKE_UP)))
    return float(np.median(found))


def _shut(picture: U8, opening: U8, outlines: Mapping[str, Outline]) -> U8:
    """Skin over the openings: in the colours of the skin around, and not of lashes, liner or brows,
    which lie nearer."""
    shut: NDArray[np.floating[Any]] = picture.astype(np.float32)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    for outline in outlines.values():
        width = float(np.ptp(outline[:, 0]))
        reach = max(3, round(LASHES * width))
        wide = _grown(_mask(opening.shape, outline), reach)
        around = _grown(wide, max(4, round(SKIN * width)))
        of_skin = grey[cv2.subtract(around, wide) > 0]
        middle = float(np.percentile(of_skin, 60))
        strange = np.abs(grey - middle) > max(MAKE_UP, 4 * float(np.median(abs(of_skin - middle))))
        wide = _with_neighbours(wide, strange & (_grown(wide, round(FARTHER * width)) > 0), reach)
        known = (cv2.subtract(around, wide) > 0) & ~strange
        skin = _skin(picture, known, width) * _shading(outline, grey.shape, width)
        share = cv2.GaussianBlur(wide, (0, 0), reach / 3)[..., None].astype(np.float32) / 255
        shut = shut * (1 - share) + skin * share
    return np.asarray(np.clip(shut, 0, 255), np.uint8)


def _with_neighbours(mask: U8, also: NDArray[np.bool_], reach: int) -> U8:
    """`mask`, and what of `also` hangs together with it: thick lashes, make-up, not the brow."""
    count, parts = cv2.connectedComponents((also | (mask > 0)).astype(np.uint8))
    touched = np.zeros(count, bool)
    touched[np.unique(parts[mask > 0])] = True
    grown = np.where(touched[parts], np.uint8(255), np.uint8(0))
    return _grown(np.asarray(grown, np.uint8), max(1, reach // 2))


def _skin(picture: U8, known: NDArray[np.bool_], width: float) -> NDArray[np.float32]:
    """(H, W, 3): the colours where they are known, ever softer farther away."""
    share = known.astype(np.float32)
    colours, weight = np.zeros(picture.shape, np.float32), np.zeros(known.shape, np.float32)
    for sigma, counts in ((0.12, 1.0), (0.3, 0.05), (0.8, 0.001)):  # the nearest counts most
        colours += counts * cv2.GaussianBlur(picture * share[..., None], (0, 0), sigma * width)
        weight += counts * cv2.GaussianBlur(share, (0, 0), sigma * width)
    return np.asarray(colours / np.maximum(weight, 1e-9)[..., None], np.float32)


def _shading(outline: Outline, shape: tuple[int, ...], width: float) -> NDArray[np.float32]:
    """(H, W, 1): a shut lid bulges: darker in its fold above and along its lower edge."""
    ys = np.arange(shape[0], dtype=np.float32)[:, None]
    top, bottom = float(outline[:, 1].min()), float(outline[:, 1].max())
    t = np.clip((ys - top) / max(1.0, bottom - top), -0.5, 1.2)
    fold = np.exp(-(((ys - top) / (0.07 * width)) ** 2))
    rows = 0.985 + 0.03 * np.cos((t - 0.45) * np.pi) - 0.07 * fold
    return np.broadcast_to(rows, shape[:2])[..., None].astype(np.float32)


def _mask(shape: tuple[int, ...], outline: Outline) -> U8:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 255)
    return mask


def _grown(mask: U8, reach: int) -> U8:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


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
