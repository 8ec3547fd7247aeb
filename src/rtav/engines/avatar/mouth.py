"""The mouth's inside: shown through the opening between the lips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.camera import F32, Camera
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.face import FaceFile
from rtav.engines.avatar.ink import Ink
from rtav.engines.avatar.paint import (
    CLEAR,
    INV255,
    U8,
    beneath,
    inverted,
    mix,
    over,
    premultiplied,
    room,
)

JAW_RAD = math.radians(15)  # turn of the jaw at jawOpen 1, as the faces' fields have it
JAW_Y, JAW_Z = -0.05, -0.05  # its axis, between the ears
LIFT = 0.07  # head units that tongueUp raises the tongue
TIP = 0.190  # that tongueOut brings its tip up from behind the lower teeth
BACK = 0.030  # that the teeth stay behind lips that are pushed out
MIN_GAP_PX = 0.3
ROLL = 0.0095  # head units: how far the lips' edges roll in when they part, with the line between
SHADE = 0.50  # how much the lips darken what is behind them, mouth wide open
SHADE_NARROW = 0.30  # the same for a narrow opening: a smile must not have grey teeth
NARROW_JAW = 0.2
SHADE_ROUND = 0.50  # what pushed-out lips leave of the light: rounded vowels show no teeth
SHADE_REACH = 0.030  # of the frame's height
LIT, DIM = 0.022, 0.25  # head units of a gap that is lit fully; light in the narrowest
SHADE_COLOUR = (1.15, 1.25, 0.75)  # exponents: light that reached a mouth through lips is red


@dataclass(frozen=True, slots=True)
class Sprite:
    """A flat picture in the mouth. `corners` are top left, top right, bottom left."""

    picture: U8
    corners: F32
    """(3, 3): x, y, z by corner."""
    on_jaw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mouth:
    """What a face's mouth needs at one frame size. The lips' curves have n points each."""

    lips: F32
    """(3, 2n): the upper lip's edge, then the lower's."""
    basis: F32
    """(K, 3 * 2n)"""
    sprites: tuple[Sprite, ...]
    """From the back to the front: tongue, lower teeth, the tongue's tip, upper teeth."""
    shade_px: int
    roll_px: float
    lit_px: float
    ink: Ink

    @property
    def points(self) -> int:
        return int(self.lips.shape[1]) // 2


def build_mouth(face: FaceFile, camera: Camera) -> Mouth:
    a, y = face.arrays, face.mouth_y
    seam = a["seam"].T
    basis = np.concatenate([a["seam_upper"], a["seam_lower"]], 1).transpose(0, 2, 1)
    # x of the left edge, y of top and bottom, z of top and bottom; attached to the jaw
    places = {
        "tongue": ((-0.165, y + 0.010, y - 0.115, 0.50, 0.58), True),
        "teeth_lower": ((-0.270, y - 0.036, y - 0.190, 0.60, 0.60), True),
        "tongue_tip": ((-0.110, y - 0.160, y - 0.290, 0.66, 0.62), True),
        "teeth_upper": ((-0.360, y + 0.145, y - 0.036, 0.60, 0.60), False),
    }
    sprites = []
    for name, ((x, top, bottom, z_top, z_bottom), on_jaw) in places.items():
        corners = np.array([[x, top, z_top], [-x, top, z_top], [x, bottom, z_bottom]], np.float32)
        picture = face.pictures["tongue"][::-1] if name == "tongue_tip" else face.pictures[name]
        picture = _at_drawn_size(picture, camera.project(corners))
        sprites.append(Sprite(picture, np.ascontiguousarray(corners.T), on_jaw))
    return Mouth(
        lips=np.ascontiguousarray(np.concatenate([seam, seam], 1)),
        basis=np.ascontiguousarray(basis.reshape(len(basis), -1)),
        sprites=tuple(sprites),
        shade_px=int(camera.size_px * SHADE_REACH),
        roll_px=ROLL * camera.size_px / 2 * camera.focal / camera.z,
        lit_px=LIT * camera.size_px / 2 * camera.focal / camera.z,
        ink=face.ink,
    )


def _at_drawn_size(picture: U8, quad: F32) -> U8:
    """Scaled once, so that a frame samples it about 1:1 and nothing shimmers."""
    w, h = (max(2, round(float(np.hypot(*(quad[i] - quad[0]))) * 1.15)) for i in (1, 2))
    scaled: NDArray[Any] = premultiplied(picture)
    if w < picture.shape[1]:
        scaled = cv2.resize(scaled, (w, h), interpolation=cv2.INTER_AREA)
    return inverted(scaled)


def turn_jaw(mouth: Mouth, corners: F32, pose: Pose) -> None:
    """Move the sprites from their rest, in place. `corners` is (3, 3 * sprites).

    The jaw turns, the tongue rises behind the teeth or comes out between them, and lips that push
    forward leave the teeth behind them: upwards and downwards, out of sight.
    """
    opening = pose.get("jawOpen", 0.0) - 0.3 * pose.get("mouthClose", 0.0)
    angle = JAW_RAD * max(opening, 0.0)
    back = BACK * _pushed(pose)
    tip = TIP * pose.get("tongueOut", 0.0)
    rise = (LIFT * pose.get("tongueUp", 0.0), -back, tip, back)
    c, s = math.cos(angle), math.sin(angle)
    for i, sprite in enumerate(mouth.sprites):
        q = corners[:, 3 * i : 3 * i + 3]
        q[1] += rise[i]
        if sprite.on_jaw:
            y, z = q[1] - JAW_Y, q[2] - JAW_Z
            q[1], q[2] = y * c - z * s + JAW_Y, y * s + z * c + JAW_Z


def _pushed(pose: Pose) -> float:
    """How far the lips are pushed out, 0 to 1."""
    return min(1.0, pose.get("mouthPucker", 0.0) + 0.6 * pose.get("mouthFunnel", 0.0))


def paint_mouth(
    dst: U8, origin: tuple[int, int], mouth: Mouth, points: tuple[F32, F32], pose: Pose, tiles: U8
) -> None:
    """Draw the inside into `dst` where the lips part.

    `origin` is the frame's pixel at dst[0, 0]; `points` are the posed lips (2, 2n) and sprite
    corners (2, 3 * sprites) in pixels; `tiles` is (2, size, size, 4) scratch.
    """
    lips, corners = points
    edges = _edges(lips, mouth.points, mouth.roll_px)
    if edges is None:
        return
    upper, lower = edges
    ox, oy = origin
    x0, y0 = max(ox, round(float(lips[0].min()))), max(oy, int(upper[1].min()) - 2)
    x1 = min(ox + dst.shape[1], round(float(lips[0].max())))
    y1 = min(oy + dst.shape[0], int(lower[1].max()) + 3)
    h, w = y1 - y0, x1 - x0
    if h <= 0 or w <= 0:
        return
    hole, below = beneath((upper, lower), (x0, y0), (h, w))
    hole -= below  # no more than there is: the lower lip is never above the upper one
    inside = _inside(mouth, corners, (x0, y0, w, h), tiles)
    roi = dst[y0 - oy : y1 - oy, x0 - ox : x1 - ox]
    _shade(inside, hole, mouth, pose)
    mix(roi, inside, hole)


def _edges(lips: F32, n: int, roll_px: float) -> tuple[F32, F32] | None:
    """(2, n) twice: what is between the lips, from above and from below; None if they touch.

    The line between closed lips is on their edges, which turn inwards as they part: the opening
    covers them, growing from nothing.
    """
    upper, lower = lips[:, :n].copy(), lips[:, n:].copy()
    gap = lower[1] - upper[1]
    if float(gap.max()) <= MIN_GAP_PX:
        return None
    roll = np.minimum(gap * np.float32(0.5), np.float32(roll_px))
    upper[1] -= roll
    lower[1] += roll
    return upper, lower


def _inside(mouth: Mouth, corners: F32, box: tuple[int, int, int, int], tiles: U8) -> U8:
    x0, y0, w, h = box
    inside = np.empty((h, w, 4), np.uint8)
    inside[:] = (*mouth.ink.throat, 255)
    for i, sprite in enumerate(mouth.sprites):
        th, tw = sprite.picture.shape[:2]
        to = corners[:, 3 * i : 3 * i + 3].T - np.array([x0 + 0.5, y0 + 0.5], np.float32)
        bottom = to[2, 1] + max(0.0, to[1, 1] - to[0, 1])
        top = max(0, int(to[:2, 1].min()))  # whole pixels: it is drawn where it is only
        rows = min(h, int(bottom) + 2) - top
        if rows <= 0:
            continue
        to[:, 1] -= top
        quad = np.array([[-0.5, -0.5], [tw - 0.5, -0.5], [-0.5, th - 0.5]], np.float32)
        drawn = cv2.warpAffine(
            sprite.picture,
            cv2.getAffineTransform(quad, to),
            (w, rows),
            dst=room(tiles[0], rows, w),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=CLEAR,
        )
        over(inside[top : top + rows], cast(U8, drawn), tiles[1])
    return inside


def _shade(inside: U8, hole: U8, mouth: Mouth, pose: Pose) -> None:
    """Darken `inside` where little light gets in: under the lips, the upper one most."""
    if not mouth.ink.shade:
        return
    h, w = hole.shape
    # the blur must shrink with the opening, or thin smiles show grey teeth
    k = min(max(3, min(mouth.shade_px, int(h * 0.30)) | 1), 2 * min(h, w) - 1)
    blurred = cv2.blur(hole, (k, k), anchor=(k // 2, min(k - 1, k // 2 + int(k * 0.25))))
    wide = min(1.0, pose.get("jawOpen", 0.0) / NARROW_JAW)
    strength = (SHADE_NARROW + (SHADE - SHADE_NARROW) * wide) * mouth.ink.shade
    left = 1.0 - (1.0 - SHADE_ROUND) * _pushed(pose) * mouth.ink.shade
    light = cv2.convertScaleAbs(blurred, alpha=strength * left, beta=255 * (1 - strength) * left)
    # where the lips hardly part, as in the corners, nothing behind them is lit
    gaps_px = cv2.reduce(hole, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F) * np.float32(1 / 255)
    parted = np.clip(gaps_px / np.float32(mouth.lit_px), DIM, 1).astype(np.float32)
    light = (light * parted).astype(np.uint8)
    tint = cv2.LUT(cv2.cvtColor(light, cv2.COLOR_GRAY2BGRA), _TINT)
    cv2.multiply(inside, tint, inside, INV255)


def _tint() -> U8:
    """(256, 1, 4): light of a strength to its colour."""
    light = np.arange(256) / 255
    channels = [light**power for power in (*SHADE_COLOUR, 0.0)]
    return np.rint(np.stack(channels, -1) * 255).astype(np.uint8)[:, None]


_TINT = _tint()
