"""Eyes: balls that turn behind almond openings, with lids, lashes and light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.camera import F32, Camera
from rtav.engines.avatar.channels import SIDES, Pose
from rtav.engines.avatar.face import FaceFile
from rtav.engines.avatar.ink import Ink
from rtav.engines.avatar.paint import AA, INV255, SHIFT, U8, fixed, mix, polygon, room

SHUT = 0.985  # from here on nothing of the ball is seen
UP, LOW, CREASE = range(3)  # the curves of each eye
WHITE_REACH = 0.88  # of the ball's radius: farther out its picture is stretched, it has no more
GLINT_COLOUR = (255, 253, 250, 255)
FULL_PX = 720  # the frame height for which line widths are given


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
    lash_px = face.lash * (2.0 + 3.2 * np.clip((outwards + 1) / 2, 0, 1) ** 1.2) * scale * taper
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
    glow = ball.copy()  # the weak second reflection turns with the ball
    spot = points[0] + np.array([9, 11], np.float32) * scale
    cv2.circle(
        glow, fixed(spot[0], spot[1]), int(4.0 * scale * 16), (235, 230, 225, 255), -1, AA, SHIFT
    )
    return cast(U8, cv2.addWeighted(ball, 0.72, glow, 0.28, 0)), points


def pose_eyes(eyes: Eyes, curves: F32, gaze: F32, pose: Pose) -> Lids:
    """Write the curves (3, 2 eyes, 3 curves, n) and three points of each ball (3, 2, 3)."""
    get = pose.get
    gaze_x, gaze_y = get("gazeX", 0.0), get("gazeY", 0.0)
    blink = tuple(get("eyeBlink" + side, 0.0) for side in SIDES)
    squint = tuple(get("eyeSquint" + s, 0.0) + 0.35 * get("mouthSmile" + s, 0.0) for s in SIDES)
    shut = tuple(min(1.0, b + max(0.0, -gaze_y) * 0.012 * (1 - b)) for b in blink)
    raised = tuple(min(1.0, b + s * 0.45 * (1 - b)) for b, s in zip(blink, squint, strict=True))
    wide = tuple(get("eyeWide" + s, 0.0) * 0.030 + max(0.0, gaze_y) * 0.0010 for s in SIDES)
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
    """Draws both eyes of a call in one pass: half the OpenCV calls of one after the other."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        self._lash_outline = np.zeros((2, 2 * eyes.points, 2), np.int32)

    def paint(
        self, dst: U8, origin: tuple[int, int], points: tuple[F32, F32], lids: Lids, tile: U8
    ) -> None:
        """Draw into `dst`. `origin` is the frame's pixel at dst[0, 0]; `points` are the posed
        curves (2, 2, 3, n) and balls (2, 2, 3) in pixels; `tile` is (size, size, 4) scratch."""
        curves, balls = points
        ox, oy = origin
        x0, y0 = max(int(curves[0].min()) - 8, ox), max(int(curves[1].min()) - 8, oy)
        x1 = min(int(curves[0].max()) + 9, ox + dst.shape[1])
        y1 = min(int(curves[1].max()) + 8, oy + dst.shape[0])
        if y1 - y0 < 16 or x1 - x0 < 16:
            return
        roi = dst[y0 - oy : y1 - oy, x0 - ox : x1 - ox]
        local = curves - np.array([x0, y0], np.float32)[:, None, None, None]
        lines = polygon(local.reshape(2, -1), 0, 0).reshape(2, 3, -1, 2)  # eye, curve, point, xy
        self._creases(roi, lines, lids, int(local[1, :, CREASE].max()) + 4)
        shown = [i for i in (0, 1) if lids.shut[i] < SHUT]
        if shown:
            ball_points = balls - np.array([x0, y0], np.float32)[:, None, None]
            split = int((local[0, 1].max() + local[0, 0].min()) / 2)
            split = min(max(split, 1), roi.shape[1] - 1)
            self._balls(roi, lines, ball_points, (shown, split), tile)
            self._rims(roi, lines, shown, int(local[1, :, LOW].min()) - 4)
        self._lashes(roi, lines, lids)

    def _creases(self, roi: U8, lines: NDArray[np.int32], lids: Lids, bottom: int) -> None:
        part = roi[: max(1, bottom)]
        shade = np.zeros(part.shape, np.uint8)
        width = max(1, round(2 * self._eyes.line_scale))
        for i in (0, 1):
            v = 255 * self._eyes.ink.crease * (1 - 0.4 * lids.blink[i])
            colour = (v, 0.85 * v, 0.55 * v, 0)  # taken away: the shadow of skin is warm
            cv2.polylines(shade, [lines[i, CREASE, 2:-2]], False, colour, width, AA, SHIFT)
        soft = cv2.blur(shade, (3, 3))
        cv2.bitwise_not(soft, soft)
        cv2.multiply(part, soft, part, INV255)

    def _balls(
        self,
        roi: U8,
        lines: NDArray[np.int32],
        points: F32,
        which: tuple[list[int], int],
        tile: U8,
    ) -> None:
        shown, split = which
        eyes, (h, w) = self._eyes, roi.shape[:2]
        ball, scale = room(tile, h, w), eyes.line_scale
        mask = np.zeros((h, w), np.uint8)
        for i in shown:
            almond = np.concatenate([lines[i, UP], lines[i, LOW, ::-1]])
            cv2.fillPoly(mask, [almond], 255, AA, SHIFT)
            a, b = (split, w) if i == 0 else (0, split)  # the subject's left is on the right
            to = points[:, i].T - np.array([a, 0], np.float32)
            cv2.warpAffine(
                eyes.balls[i],
                cv2.getAffineTransform(eyes.ball_points[i], np.ascontiguousarray(to)),
                (b - a, h),
                dst=ball[:, a:b],
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        k = max(3, int(13 * scale) | 1)
        shade = cv2.blur(mask, (k, k), anchor=(k // 2, k // 2 + int(k * 0.42)))
        shade = cv2.convertScaleAbs(
            shade, alpha=0.58 * eyes.ink.shade, beta=255 - 143 * eyes.ink.shade
        )
        cv2.multiply(ball, cv2.cvtColor(shade, cv2.COLOR_GRAY2BGRA), ball, INV255)
        for i in shown if eyes.ink.glint else ():  # the glint belongs to the lamp, not to the iris
            at = fixed(points[0, i, 0] - 8.5 * scale, points[1, i, 0] - 9.5 * scale)
            cv2.circle(ball, at, int(eyes.ink.glint * scale * 16), GLINT_COLOUR, -1, AA, SHIFT)
        mix(roi, ball, mask)

    def _rims(self, roi: U8, lines: NDArray[np.int32], shown: list[int], top: int) -> None:
        top, scale = max(0, top), self._eyes.line_scale
        part = roi[top:]
        rim = part.copy()
        down = np.array([0, round(0.8 * scale * 16) - top * 16], np.int32)
        curves = [lines[i, LOW] + down for i in shown]
        cv2.polylines(
            rim, curves, False, (*self._eyes.ink.rim, 0), max(1, round(1.6 * scale)), AA, SHIFT
        )
        cv2.addWeighted(part, 0.45, rim, 0.55, 0, part)

    def _lashes(self, roi: U8, lines: NDArray[np.int32], lids: Lids) -> None:
        """Tapered crescents with a flick at the outer end; they hang when the lid is down."""
        eyes, n, scale = self._eyes, self._eyes.points, self._eyes.line_scale
        blink = np.array(lids.blink, np.float32)[:, None]
        thick = eyes.lash_px * (16 - 4 * blink)
        outline = self._lash_outline
        outline[:, :n] = lines[:, UP]
        outline[:, n:] = lines[:, UP, ::-1]
        outline[:, :n, 1] -= np.rint(thick * (1 - 0.9 * blink)).astype(np.int32)
        below = 0.9 * scale * 16 + thick[:, ::-1] * (0.9 * blink)
        outline[:, n:, 1] += np.rint(below).astype(np.int32)
        for i, outer, side in ((0, -1, 1), (1, 0, -1)):
            x, y = (int(v) for v in lines[i, UP, outer])
            reach = scale * eyes.lash * 16
            tip: Any = np.array([[x + side * 6 * reach, y - (5 - 9 * lids.blink[i]) * reach]])
            flick = tip.astype(np.int32)
            parts = [outline[i, :n], flick, outline[i, n:]] if i == 0 else [flick, outline[i]]
            cv2.fillPoly(roi, [np.concatenate(parts)], (*eyes.ink.lash, 0), AA, SHIFT)
