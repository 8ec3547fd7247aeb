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
    AA,
    CLEAR,
    SHIFT,
    U8,
    inverted,
    mix,
    over,
    polygon,
    premultiplied,
    room,
)

JAW_RAD = math.radians(15)  # turn of the jaw at jawOpen 1, as the faces' fields have it
JAW_Y, JAW_Z = -0.05, -0.05  # its axis, between the ears
MIN_GAP_PX = 0.6
SHADOW = 0.66  # how much the lips darken what is behind them, mouth wide open
SHADOW_NARROW = 0.45  # the same for a narrow opening: a smile must not have grey teeth
NARROW_JAW = 0.2
SHADOW_REACH = 0.030  # of the frame's height


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
    """From the back to the front; the first is the tongue."""
    shadow_px: int
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
        "tongue": ((-0.165, y - 0.005, y - 0.155, 0.55, 0.60), True),
        "teeth_lower": ((-0.175, y - 0.038, y - 0.155, 0.60, 0.60), True),
        "teeth_upper": ((-0.240, y + 0.107, y - 0.054, 0.60, 0.60), False),
    }
    sprites = []
    for name, ((x, top, bottom, z_top, z_bottom), on_jaw) in places.items():
        corners = np.array([[x, top, z_top], [-x, top, z_top], [x, bottom, z_bottom]], np.float32)
        picture = _at_drawn_size(face.pictures[name], camera.project(corners))
        sprites.append(Sprite(picture, np.ascontiguousarray(corners.T), on_jaw))
    return Mouth(
        lips=np.ascontiguousarray(np.concatenate([seam, seam], 1)),
        basis=np.ascontiguousarray(basis.reshape(len(basis), -1)),
        sprites=tuple(sprites),
        shadow_px=int(camera.size_px * SHADOW_REACH),
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
    """Move the jaw's sprites from their rest, in place. `corners` is (3, 3 * sprites)."""
    opening = pose.get("jawOpen", 0.0) - 0.3 * pose.get("mouthClose", 0.0)
    angle = JAW_RAD * max(opening, 0.0)
    lift = 0.07 * pose.get("tongueUp", 0.0)
    if angle == 0.0 and lift == 0.0:
        return
    c, s = math.cos(angle), math.sin(angle)
    for i, sprite in enumerate(mouth.sprites):
        if sprite.on_jaw:
            q = corners[:, 3 * i : 3 * i + 3]
            y, z = q[1] - JAW_Y + (lift if i == 0 else 0.0), q[2] - JAW_Z
            q[1], q[2] = y * c - z * s + JAW_Y, y * s + z * c + JAW_Z


def paint_mouth(
    dst: U8, origin: tuple[int, int], mouth: Mouth, points: tuple[F32, F32], pose: Pose, tiles: U8
) -> None:
    """Draw the inside into `dst` where the lips part.

    `origin` is the frame's pixel at dst[0, 0]; `points` are the posed lips (2, 2n) and sprite
    corners (2, 3 * sprites) in pixels; `tiles` is (2, size, size, 4) scratch.
    """
    lips, corners = points
    n = mouth.points
    upper, lower = lips[:, :n], lips[:, n:]
    if float((lower[1] - upper[1]).max()) <= MIN_GAP_PX:
        return
    ox, oy = origin
    x0, y0 = max(ox, int(lips[0].min()) - 3), max(oy, int(lips[1].min()) - 3)
    x1 = min(ox + dst.shape[1], int(lips[0].max()) + 4)
    y1 = min(oy + dst.shape[0], int(lower[1].max()) + 4)
    h, w = y1 - y0, x1 - x0
    if h <= 0 or w <= 0:
        return
    hole = np.zeros((h, w), np.uint8)
    outline = np.concatenate([upper, lower[:, ::-1]], 1)
    cv2.fillPoly(hole, [polygon(outline, x0, y0)], 255, AA, SHIFT)
    inside = _inside(mouth, corners, (x0, y0, w, h), tiles)
    roi = dst[y0 - oy : y1 - oy, x0 - ox : x1 - ox]
    mix(roi, inside, hole, _shadow(hole, mouth, pose.get("jawOpen", 0.0)))


def _inside(mouth: Mouth, corners: F32, box: tuple[int, int, int, int], tiles: U8) -> U8:
    x0, y0, w, h = box
    inside = np.empty((h, w, 4), np.uint8)
    inside[:] = (*mouth.ink.throat, 255)
    for i, sprite in enumerate(mouth.sprites):
        th, tw = sprite.picture.shape[:2]
        to = corners[:, 3 * i : 3 * i + 3].T - np.array([x0 + 0.5, y0 + 0.5], np.float32)
        if to[:, 1].min() > h:  # wholly below the opening
            continue
        quad = np.array([[-0.5, -0.5], [tw - 0.5, -0.5], [-0.5, th - 0.5]], np.float32)
        drawn = cv2.warpAffine(
            sprite.picture,
            cv2.getAffineTransform(quad, to),
            (w, h),
            dst=room(tiles[0], h, w),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=CLEAR,
        )
        over(inside, cast(U8, drawn), tiles[1])
    return inside


def _shadow(hole: U8, mouth: Mouth, jaw: float) -> U8:
    """Light that gets in, (h, w): less under the lips, the upper one most."""
    h, w = hole.shape
    # the blur must shrink with the opening, or thin smiles show grey teeth
    k = min(max(3, min(mouth.shadow_px, int(h * 0.30)) | 1), 2 * min(h, w) - 1)
    blurred = cv2.blur(hole, (k, k), anchor=(k // 2, min(k - 1, k // 2 + int(k * 0.25))))
    strength = SHADOW_NARROW + (SHADOW - SHADOW_NARROW) * min(1.0, jaw / NARROW_JAW)
    strength *= mouth.ink.shade
    return cast(U8, cv2.convertScaleAbs(blurred, alpha=strength, beta=258 - 255 * strength))
