"""Parts whoever is shown from what is behind them, as well as colours alone can tell."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.landmarks import Point, middle
from rtav.engines.avatar.paint import U8
from rtav.engines.avatar.picture import UNDER, refused
from rtav.errors import ProtocolError

WORK_PX = 420  # long side while the colours are told apart: half a second, and no pores
LONG_PX = 2048  # a face is drawn at 720: more is only carried about
ROUNDS = 6
EDGE_PX = 1.2  # at WORK_PX: how softly the outline ends
MIN_SHARE, MAX_SHARE = 0.08, 0.92
"""Of the picture: less or more is no person before something."""

MIN_CONTRAST, GRAIN = 4.0, 1.5  # of 255
NO_BOX = (0, 0, 1, 1)  # ignored: the mask says where
NO, YES, RATHER_NO, RATHER_YES = (
    cv2.GC_BGD,
    cv2.GC_FGD,
    cv2.GC_PR_BGD,
    cv2.GC_PR_FGD,
)


def cut_out(picture: U8, points: Mapping[str, Point]) -> tuple[U8, U8, dict[str, Point]]:
    """The picture before `UNDER` instead of its background, how much of each point is there (H, W),
    and the points in it: it is at most LONG_PX long.

    Raises ProtocolError `invalid_face` if nothing can be told apart.
    """
    scale = min(1.0, LONG_PX / max(picture.shape[:2]))
    picture, points = _shrunk(picture, points, scale)
    small, places = _shrunk(picture, points, min(1.0, WORK_PX / max(picture.shape[:2])))
    if float(small.std()) < MIN_CONTRAST:
        raise _refused()
    mask = _seeds(small.shape[:2], places)
    # flat colours have no spread, and grabCut's models of them no inverse: it would not end
    grain = np.random.default_rng(1).normal(0, GRAIN, small.shape)
    small = np.asarray(np.clip(small + grain, 0, 255), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)  # the same picture gives the same face
    cv2.grabCut(small, mask, NO_BOX, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    there = _whole(np.isin(mask, (YES, RATHER_YES)).astype(np.uint8), places)
    if not MIN_SHARE < float(there.mean()) < MAX_SHARE:
        raise _refused()
    alpha = _softened(there, picture.shape[:2])
    return _before_under(picture, alpha), alpha, dict(points)


def _refused() -> ProtocolError:
    return refused("the face cannot be told from its background: keep the original one")


def _shrunk(picture: U8, points: Mapping[str, Point], scale: float) -> tuple[U8, dict[str, Point]]:
    if scale == 1:
        return picture, dict(points)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), {name: at * scale for name, at in points.items()}


def _seeds(shape: tuple[int, ...], points: Mapping[str, Point]) -> U8:
    """What is surely and what is rather the person: a face, hair around it, a neck, shoulders."""
    height, width = shape[:2]
    left, right, chin = middle(points, "Left"), middle(points, "Right"), points["chin"]
    eyes = (left + right) / 2
    apart, down = float(np.hypot(*(left - right))), float(np.hypot(*(chin - eyes)))
    centre = (eyes + chin) / 2 - (chin - eyes) * 0.1
    tilt = float(np.degrees(np.arctan2(*(left - right)[::-1])))
    crown = points.get("headTop")
    top = float(eyes[1] - crown[1]) if crown is not None else 1.15 * down
    mask = np.full((height, width), RATHER_NO, np.uint8)

    def ellipse(at: Point, axes: tuple[float, float], value: int) -> None:
        box = (tuple(map(float, at)), (2 * axes[0], 2 * axes[1]), tilt)
        cv2.ellipse(mask, box, value, -1)

    head = (eyes + np.array([0.0, (down - top) / 2]), (1.35 * apart, (down + top) / 2))
    ellipse(head[0], (head[1][0] * 1.25, head[1][1] * 1.1), RATHER_YES)
    _torso(mask, chin, apart)
    border = max(2, round(0.02 * width))
    mask[:border] = NO
    side = max(0, min(height, round(float(chin[1]))))
    mask[:side, :border] = mask[:side, -border:] = NO
    ellipse(centre, (0.74 * apart, 0.72 * down), YES)
    neck = int(0.35 * apart)
    x, y = int(chin[0]), int(chin[1] - 0.2 * down)
    mask[y : min(height, int(chin[1] + 0.25 * apart)), max(0, x - neck) : x + neck] = YES
    return mask


def _torso(mask: U8, chin: Point, apart: float) -> None:
    """Shoulders begin a neck below the chin and are wider than the head."""
    height = mask.shape[0]
    x, y = float(chin[0]), float(chin[1])
    shape = np.array(
        [
            [x - 0.7 * apart, y],
            [x + 0.7 * apart, y],
            [x + 2.3 * apart, y + 1.3 * apart],
            [x + 2.6 * apart, height],
            [x - 2.6 * apart, height],
            [x - 2.3 * apart, y + 1.3 * apart],
        ]
    )
    cv2.fillPoly(mask, [np.rint(shape).astype(np.int32)], RATHER_YES)
    core = np.array([[x - 0.6 * apart, height], [x, y + 0.6 * apart], [x + 0.6 * apart, height]])
    cv2.fillPoly(mask, [np.rint(core).astype(np.int32)], YES)


def _whole(there: U8, points: Mapping[str, Point]) -> U8:
    """What hangs together with the face, without holes and specks."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    there = np.asarray(cv2.morphologyEx(there, cv2.MORPH_OPEN, kernel), np.uint8)
    there = np.asarray(cv2.morphologyEx(there, cv2.MORPH_CLOSE, kernel), np.uint8)
    _, parts = cv2.connectedComponents(there)
    x, y = (int(v) for v in points["mouthCentre"])
    own = np.asarray(parts == parts[y, x], np.uint8)
    outlines, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros_like(own), outlines, -1, 1, -1), np.uint8)


def _softened(there: U8, shape: tuple[int, ...]) -> U8:
    """(H, W) alpha of the picture's size, a little inside the outline: halos show at once."""
    soft = cv2.GaussianBlur(there.astype(np.float32), (0, 0), EDGE_PX)
    large = cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip((large - 0.5) / 0.4, 0, 1) * 255 + 0.5, np.uint8)


def _before_under(picture: U8, alpha: U8) -> U8:
    """What is partly there gets the colour of what is wholly there beside it, before `UNDER`."""
    share = alpha[..., None].astype(np.float32) / 255
    sure = (alpha == 255).astype(np.float32)
    reach = (0, 0), max(1.5, max(alpha.shape) / 250)
    near = cv2.GaussianBlur(picture * sure[..., None], *reach)
    weight = cv2.GaussianBlur(sure, *reach)[..., None]
    known: NDArray[np.bool_] = (share > 0) & (share < 1) & (weight > 0.02)
    own = np.where(known, near / np.maximum(weight, 1e-3), picture)
    return np.asarray(own * share + UNDER * (1 - share) + 0.5, np.uint8)
