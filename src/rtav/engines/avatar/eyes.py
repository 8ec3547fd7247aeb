"""Eyes: balls that turn behind almond openings, with lids, lashes and light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.camera import F32, Camera
from rtav.engines.avatar.channels import SIDES, Pose
from rtav.engines.avatar.face import FaceFile
from rtav.engines.avatar.ink import Ink
from rtav.engines.avatar.paint import (
    AA,
    INV255,
    SHIFT,
    U8,
    Polygon,
    fixed,
    mix,
    polygon,
    room,
    softness,
)

SHUT = 0.985  # from here on nothing of the ball is seen
UP, LOW, CREASE = range(3)  # the curves of each eye
TAPER, LASH = 3, 4
_EYES = np.array([[0], [1]])
WHITE_REACH = 0.88  # of the ball's radius: farther out its picture is stretched, it has no more
GLINT_COLOUR = (255, 253, 250, 255)
FULL_PX = 720  # the frame height for which line widths are given
LOWER_FOLD_PX = 11  # from the lower lid's edge to the fold under it
LID_SHADOW_PX = 34  # how far the upper lid's shadow falls on the ball
MIDDLE, STEPS = 128, 48  # of the table of light on lids: the eye, steps per distance of the crease
FAR_PX = 10_000.0
RIM, RIM_SHARE = 0.34, 0.85  # of the lower lid's edge: its breadth, of the fold's; its opacity
SKIN = (160, 190, 225)  # BGR, on which that is meant
FLICKING = 0.6  # lashes thinner than this are seen as a line only
FLICKS = ((1.0, 1.0), (0.93, 1.15), (0.84, 1.05))  # lashes apart from the others: place, length


Table = NDArray[np.uint32]  # (256,) or (levels, 256) BGRA in one number each


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """Both eyes at one frame size: Left first. The lids' curves have n points each."""

    up: F32
    """(3, 2, n), as `low` and `crease`; `up_close` and `low_close` lead to the shut lid."""
    low: F32
    crease: F32
    up_close: F32
    low_close: F32
    arch: F32
    """(n,) 1 in the middle of a lid, 0 at its corners."""
    centres: F32
    """(3, 2)"""
    radius: float
    balls: tuple[U8, U8]
    ball_points: tuple[F32, F32]
    """(3, 2) front, right and up points in the pictures of the balls."""
    taper: F32
    """(2n,) 1 over most of a lid, 0 at its corners, where its shadows end."""
    lash_px: F32
    """(2, n) thickness of the lashes."""
    lash: float
    line_scale: float
    """Line widths of FULL_PX to those of this size."""
    ink: Ink

    @property
    def points(self) -> int:
        return int(self.up.shape[2])


@dataclass(frozen=True, slots=True)
class Lids:
    """How far the lids are shut, Left and Right: by blinking alone, and with a look down."""

    blink: tuple[float, float]
    shut: tuple[float, float]


def build_eyes(face: FaceFile, camera: Camera) -> Eyes:
    curves = {part: face.arrays[f"lid_{part}"].transpose(2, 0, 1) for part in ("up", "low", "shut")}
    n = curves["up"].shape[2]
    u = np.linspace(-1, 1, n, dtype=np.float32)
    arch = 1 - u * u
    crease = curves["up"].copy()
    crease[1] += 0.047 * arch + 0.006
    scale = camera.size_px / FULL_PX
    outwards = np.stack([u, -u])
    taper = np.sqrt(np.clip(1 - np.abs(u) ** 5, 0, 1))
    lash_px = face.lash * (1.5 + 2.4 * np.clip((outwards + 1) / 2, 0, 1) ** 1.2) * scale * taper
    balls = [_ball(face, face.eyes[side], camera) for side in SIDES]
    return Eyes(
        up=curves["up"],
        low=curves["low"],
        crease=crease,
        up_close=curves["shut"] - curves["up"],
        low_close=curves["shut"] - curves["low"],
        arch=arch,
        centres=np.ascontiguousarray(np.array([face.eyes[s][:3] for s in SIDES], np.float32).T),
        radius=face.eyes["Left"][3],
        balls=(balls[0][0], balls[1][0]),
        ball_points=(balls[0][1], balls[1][1]),
        taper=np.tile(1 - u**4, 2).astype(np.float32),
        lash_px=lash_px.astype(np.float32),
        lash=face.lash,
        line_scale=scale,
        ink=face.ink,
    )


def _ball(face: FaceFile, eye: tuple[float, ...], camera: Camera) -> tuple[U8, F32]:
    """The ball's picture with its white stretched beyond the lids, and three points on it."""
    x, y, z, r = eye
    scale, size = camera.size_px / FULL_PX, camera.size_px
    picture = cv2.resize(face.pictures["eyes"], (size, size), interpolation=cv2.INTER_AREA)
    middle, edge = camera.project(np.array([[x, y, z], [x + r, y, z]]))
    reach_px = float(edge[0] - middle[0])
    half = int(reach_px * 1.9)
    left, top = int(middle[0]) - half, int(middle[1]) - half
    yy, xx = np.mgrid[0 : 2 * half, 0 : 2 * half].astype(np.float32)
    dx, dy = xx + left - middle[0], yy + top - middle[1]
    inwards = np.minimum(1, WHITE_REACH * reach_px / (np.hypot(dx, dy) + 1e-6))
    map_x, map_y = (
        (m + d * inwards).astype(np.float32) for m, d in zip(middle, (dx, dy), strict=True)
    )
    ball = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR)
    ball[..., 3] = 255
    front = camera.project(np.array([[x, y, z + r], [x + 0.1, y, z + r], [x, y + 0.1, z + r]]))
    points = front - np.array([left, top], np.float32)
    if not face.ink.glint:
        return cast(U8, ball), points
    spot = points[0] + np.array([9, 11], np.float32) * scale
    _shine(cast(U8, ball), spot[0], spot[1], 4.0 * scale)  # it turns with the ball
    return cast(U8, ball), points


def _shine(ball: U8, x: float, y: float, radius: float) -> None:
    """A weak reflection, in place, soft at its edge."""
    rows, columns = np.ogrid[: ball.shape[0], : ball.shape[1]]
    away = np.hypot(columns + (0.5 - x), rows + (0.5 - y))
    share = 0.28 * np.clip(radius + 1 - away, 0, 2)[..., None] / 2
    ball += ((GLINT_COLOUR - ball.astype(np.float32)) * share).astype(np.uint8)


def pose_eyes(eyes: Eyes, curves: F32, gaze: F32, pose: Pose) -> Lids:
    """Write the curves (3, 2 eyes, 3 curves, n) and three points of each ball (3, 2, 3)."""
    get = pose.get
    gaze_x, gaze_y = get("gazeX", 0.0), get("gazeY", 0.0)
    blink = tuple(get("eyeBlink" + side, 0.0) for side in SIDES)
    squint = tuple(get("eyeSquint" + s, 0.0) + 0.35 * get("mouthSmile" + s, 0.0) for s in SIDES)
    shut = tuple(min(1.0, b + max(0.0, -gaze_y) * 0.012 * (1 - b)) for b in blink)
    raised = tuple(min(1.0, b + s * 0.45 * (1 - b)) for b, s in zip(blink, squint, strict=True))
    wide = tuple(get("eyeWide" + s, 0.0) * 0.036 + max(0.0, gaze_y) * 0.0018 for s in SIDES)
    k = np.array([shut, raised, [b * 0.22 for b in blink], wide], np.float32)[:, :, None]
    np.add(eyes.up, eyes.up_close * k[0], out=curves[:, :, UP])
    curves[1, :, UP] += k[3] * eyes.arch
    np.add(eyes.low, eyes.low_close * k[1], out=curves[:, :, LOW])
    np.add(eyes.crease, eyes.up_close * k[2], out=curves[:, :, CREASE])
    ax, ay = math.radians(gaze_x), math.radians(gaze_y)
    ahead = (math.sin(ax) * math.cos(ay), math.sin(ay), math.cos(ax) * math.cos(ay))
    gaze[:] = (eyes.centres + np.array(ahead, np.float32)[:, None] * eyes.radius)[:, :, None]
    right, up = (math.cos(ax), 0.0, -math.sin(ax)), (0.0, math.cos(ay), -math.sin(ay))
    gaze[:, :, 1] += np.array(right, np.float32)[:, None] * np.float32(0.1)
    gaze[:, :, 2] += np.array(up, np.float32)[:, None] * np.float32(0.1)
    return Lids((blink[0], blink[1]), (shut[0], shut[1]))


class EyePainter:
    """Draws both eyes of a call in one pass: half the OpenCV calls of one after the other.

    Lids are heights over columns: coverage, shadow and crease all follow from the distance to them.
    """

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        self._on_skin, self._on_ball = _skin_light(eyes.ink), _ball_light(eyes.ink)
        cover = np.arange(256)[:, None] / 255
        self._without_lash = _table(1 - cover * [1, 1, 1, 0])
        self._lash = _table(cover * [*(part / 255 for part in eyes.ink.lash), 0])
        self._flick_at, self._flick_up, self._flick_down = _flick_corners(eyes)
        self._fixed_rows = np.stack([eyes.taper, eyes.lash_px[::-1].ravel()])

    def paint(
        self, dst: U8, origin: tuple[int, int], points: tuple[F32, F32], lids: Lids, tile: U8
    ) -> None:
        """Draw into `dst`. `origin` is the frame's pixel at dst[0, 0]; `points` are the posed
        curves (2, 2, 3, n) and balls (2, 2, 3) in pixels; `tile` is (size, size, 4) scratch."""
        curves, balls = points
        ox, oy = origin
        scale = self._eyes.line_scale
        above, below = int(12 * scale) + 2, int(2 * LOWER_FOLD_PX * scale) + 2
        x0, y0 = max(int(curves[0].min()) - 8, ox), max(int(curves[1].min()) - above, oy)
        x1 = min(int(curves[0].max()) + 9, ox + dst.shape[1])
        y1 = min(int(curves[1].max()) + below, oy + dst.shape[0])
        if y1 - y0 < 16 or x1 - x0 < 16:
            return
        roi = dst[y0 - oy : y1 - oy, x0 - ox : x1 - ox]
        local = curves - np.array([x0, y0], np.float32)[:, None, None, None]
        split = int((local[0, 1].max() + local[0, 0].min()) / 2)
        split = min(max(split, 1), roi.shape[1] - 1)
        columns = _columns(local, roi.shape[1], self._fixed_rows)
        rows = np.arange(roi.shape[0], dtype=np.float32)[:, None]
        over, under = rows - (columns[UP] - 1), rows - (columns[LOW] - 1)
        self._skin(roi, columns, (over, under), lids, split)
        shown = [i for i in (0, 1) if lids.shut[i] < SHUT]
        if shown:
            ball_points = balls - np.array([x0, y0], np.float32)[:, None, None]
            gain = 255 / softness((columns[UP], columns[LOW]))
            middle = (
                127.5 - 0.5 * gain
            )  # half of a pixel is covered where the edge crosses its centre
            mask = over * gain
            mask += middle
            hidden = under * gain
            hidden += middle
            mask = np.clip(mask, 0, 255, out=mask) - np.clip(hidden, 0, 255, out=hidden)
            self._balls(roi, mask.astype(np.uint8), over, ball_points, (shown, split), tile)
        self._lashes(roi, local, (columns, over), lids, split)

    def _skin(
        self, roi: U8, columns: F32, distances: tuple[F32, F32], lids: Lids, split: int
    ) -> None:
        """Shade the lids: the root of the lashes, the lid, its crease, the lower lid's fold."""
        over, under = distances
        scale = np.float32(LOWER_FOLD_PX * self._eyes.line_scale)
        upper = np.maximum((columns[UP] - columns[CREASE]) * columns[TAPER], 0.5)
        lower = np.maximum(scale * columns[TAPER], 0.5)
        index = np.clip(over * (STEPS / upper), -MIDDLE, 0)
        index += np.clip(under * (STEPS / lower), 0, MIDDLE - 1)
        index += np.float32(MIDDLE)
        whole = index.astype(np.uint8)
        for i, part in ((0, np.s_[:, split:]), (1, np.s_[:, :split])):
            level = round(lids.blink[i] * (len(self._on_skin) - 1))
            light = _look_up(self._on_skin[level], whole[part])
            cv2.multiply(roi[part], light, roi[part], INV255)

    def _balls(
        self,
        roi: U8,
        mask: U8,
        over: F32,
        points: F32,
        which: tuple[list[int], int],
        tile: U8,
    ) -> None:
        shown, split = which
        eyes, (h, w) = self._eyes, roi.shape[:2]
        ball, scale = room(tile, h, w), eyes.line_scale
        for i in (0, 1):
            a, b = (split, w) if i == 0 else (0, split)  # the subject's left is on the right
            if i not in shown:
                mask[:, a:b] = 0
                continue
            to = points[:, i].T - np.array([a, 0], np.float32)
            cv2.warpAffine(
                eyes.balls[i],
                cv2.getAffineTransform(eyes.ball_points[i], np.ascontiguousarray(to)),
                (b - a, h),
                dst=ball[:, a:b],
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        reach = np.clip(over * np.float32(255 / (LID_SHADOW_PX * scale)), 0, 255)
        cv2.multiply(ball, _look_up(self._on_ball, reach.astype(np.uint8)), ball, INV255)
        for i in shown if eyes.ink.glint else ():  # the glint belongs to the lamp, not to the iris
            at = fixed(points[0, i, 0] - 8.5 * scale, points[1, i, 0] - 9.5 * scale)
            cv2.circle(ball, at, int(eyes.ink.glint * scale * 16), GLINT_COLOUR, -1, AA, SHIFT)
        mix(roi, ball, mask)

    def _lashes(
        self, roi: U8, local: F32, distances: tuple[F32, F32], lids: Lids, split: int
    ) -> None:
        """Tapered crescents with flicks at the outer end; they hang when the lid is down."""
        columns, over = distances
        scale, colour = self._eyes.line_scale, (*self._eyes.ink.lash, 0)
        rise, fall = columns[LASH].copy(), columns[LASH].copy()
        for i, half in ((0, np.s_[split:]), (1, np.s_[:split])):
            rise[half] *= 1 - 0.8 * lids.blink[i]
            fall[half] *= 0.7 * lids.blink[i]
        fall += 0.7 * scale
        y = local[1, :, UP]
        top, bottom = max(0, int(y.min() - rise.max()) - 1), int(y.max() + fall.max()) + 2
        part, over = roi[top:bottom], over[top:bottom]
        mask = np.clip(over + rise, 0, 1)
        mask -= np.clip(over - fall, 0, 1)
        mask *= np.float32(255)
        cover = mask.astype(np.uint8)
        cv2.multiply(part, _look_up(self._without_lash, cover), part, INV255)
        cv2.add(part, _look_up(self._lash, cover), part)
        if self._eyes.lash >= FLICKING:
            cv2.fillPoly(roi, self._flicks(local[:, :, UP], lids), colour, AA, SHIFT)

    def _flicks(self, edges: F32, lids: Lids) -> list[Polygon]:
        """Six thin triangles that point outwards, up or down with the lid."""
        roots = edges[:, _EYES, self._flick_at][..., None]  # (2, eyes, 3, 1)
        blink = np.array(lids.blink, np.float32)[:, None, None]
        corners = roots + self._flick_up + blink * self._flick_down
        return list(polygon(corners.reshape(2, -1), 0, 0).reshape(-1, 3, 2))


def _flick_corners(eyes: Eyes) -> tuple[NDArray[np.intp], F32, F32]:
    """By eye, the points of the lid where flicks are; (2, 2, 3, 3) their corners from there, open,
    and how those move as the lid shuts."""
    at = np.array([round(place * (eyes.points - 1)) for place, _ in FLICKS])
    reach = np.array([length for _, length in FLICKS]) * eyes.line_scale * min(eyes.lash, 1.2)
    foot = 1.3 * eyes.line_scale
    up, down = np.zeros((2, 2, 3, 3), np.float32), np.zeros((2, 2, 3, 3), np.float32)
    up[0, :, :, 0], up[0, :, :, 2] = -foot, foot
    up[0, 0, :, 1], up[0, 1, :, 1] = 6 * reach, -6 * reach
    up[1, :, :, 1], down[1, :, :, 1] = -6 * reach, 11 * reach
    return np.stack([at, eyes.points - 1 - at]), up, down


def _columns(local: F32, width: int, fixed_rows: F32) -> F32:
    """(5, width): UP, LOW, CREASE, TAPER and LASH in every column; beside the eyes lids are far up.

    `local` is (2, 2, 3, n) as `fixed_rows`, (2, 2n), goes with it: from left to right.
    """
    x = local[0, ::-1, UP].ravel()  # the subject's left eye is on the right
    across = np.arange(width, dtype=np.float32) + 0.5
    at = np.empty((5, width), np.float32)
    at[:] = np.interp(across, x, np.arange(len(x)))
    rows = np.concatenate([local[1, ::-1].transpose(1, 0, 2).reshape(3, -1), fixed_rows])
    down = np.repeat(np.arange(5, dtype=np.float32), width).reshape(5, width)
    columns = cast(F32, cv2.remap(rows, at, down, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE))
    ends = local[0, :, UP]
    is_beside = (across < ends[1, 0]) | (across > ends[0, -1])
    is_beside |= (across > ends[1, -1]) & (across < ends[0, 0])
    columns[: LOW + 1, is_beside] = -FAR_PX
    return columns


def _look_up(table: Table, index: U8) -> U8:
    """(h, w, 4): the table's colour for every index; a third of the time of cv2.LUT."""
    return np.take(table, index).view(np.uint8).reshape(*index.shape, 4)


def _skin_light(ink: Ink) -> Table:
    """(levels, 256) BGRA: by blink and distance what the shape of the lids leaves of the light.

    Below MIDDLE are the distances above the upper lid, of the crease's, above MIDDLE those below
    the lower lid, of LOWER_FOLD_PX; at MIDDLE itself is the eye.
    """
    above = (MIDDLE - np.arange(MIDDLE)) / STEPS
    below = np.arange(1, 256 - MIDDLE) / STEPS
    fold = 1 - ink.shade * 0.08 * np.exp(-(((below - 0.95) / 0.4) ** 2))
    edge = np.clip((RIM - below) / 0.1, 0, 1)[:, None]  # thick and wet
    rim = 1 - RIM_SHARE + RIM_SHARE * np.array([*ink.rim, 255]) / [*SKIN, 255]
    lower = _warm(fold) * (1 - edge * (1 - np.minimum(rim, 1)))
    lid = 0.20 * np.exp(-above / 0.22) + 0.12 * np.clip((1.1 - above) * 2, 0, 1)
    levels = []
    for blink in np.linspace(0, 1, 9):
        width = 0.16 - 0.08 * blink  # the lid is longer by then
        crease = ink.crease * (1 - 0.55 * blink) * np.exp(-(((above - 1) / width) ** 2))
        socket = 0.12 * (1 - blink) ** 2 * np.exp(-(((above - 1.1) / 0.4) ** 2))
        upper = _warm((1 - ink.shade * lid) * (1 - crease) * (1 - ink.shade * socket))
        left = np.concatenate([upper, np.ones((1, 4)), lower])
        left[0] = left[-1] = 1  # farther away than the profile reaches
        levels.append(_table(left))
    return np.stack(levels)


def _ball_light(ink: Ink) -> Table:
    """(256,) BGRA: by the distance below the upper lid, what its shadow leaves of the light."""
    away = np.arange(256) / 255
    return _table(_warm(1 - ink.shade * (0.42 * np.exp(-away / 0.16) + 0.22 * np.exp(-away / 0.5))))


def _warm(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 4) BGRA: shadows on skin and eyes are red."""
    powers = np.array([1.25, 1.05, 0.70, 0.0])
    return np.asarray(np.clip(light, 0, 1)[:, None] ** powers)


def _table(colours: NDArray[np.float64]) -> Table:
    return np.rint(colours * 255).astype(np.uint8).view(np.uint32)[:, 0]
