"""All points of a frame, moved together: one structure of arrays, one matrix product."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rtav.engines.avatar.asset import ORDER, FaceAsset
from rtav.engines.avatar.camera import F32, Camera
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.eyes import Lids, pose_eyes
from rtav.engines.avatar.mouth import turn_jaw


@dataclass(frozen=True, slots=True)
class Shape:
    """What a frame must know beside where its points are."""

    lids: Lids
    lips_part: bool
    """Whether the lower lip moves otherwise than the upper one."""


class Geometry:
    """The points of one call's face: layer nodes, lips, lids, gaze and the mouth's inside."""

    def __init__(self, asset: FaceAsset) -> None:
        self._asset = asset
        counts = {name: asset.layers[name].count for name in ORDER if name in asset.layers}
        counts |= {
            "lower": asset.lower.count,
            "lips": asset.mouth.lips.shape[1],
            "lids": 6 * asset.eyes.points,
            "gaze": 6,
            "sprites": 3 * len(asset.mouth.sprites),
        }
        self._parts: dict[str, slice] = {}
        total = 0
        for name, count in counts.items():
            self._parts[name] = slice(total, total + count)
            total += count
        self._rest = np.zeros((3, total), np.float32)
        for name, layer in asset.layers.items():
            self._rest[:, self._parts[name]] = layer.rest
        self._rest[:, self._parts["lower"]] = asset.lower.rest
        self._rest[:, self._parts["lips"]] = asset.mouth.lips
        corners = [sprite.corners for sprite in asset.mouth.sprites]
        self._rest[:, self._parts["sprites"]] = np.concatenate(corners, 1)
        self._hold = self._build_hold(total)
        self._points, self._pixels = np.empty_like(self._rest), np.empty_like(self._rest)
        self._weights = np.zeros(len(asset.shapes), np.float32)

    def _build_hold(self, total: int) -> F32 | None:
        """(total,): the nodes' shares, and for lips and eyes that of the middle of the face."""
        hold = self._asset.hold
        if hold is None:
            return None
        shares = np.full(total, hold.max(), np.float32)
        for name, layer in (*self._asset.layers.items(), ("lower", self._asset.lower)):
            x0, y0, x1, y1 = layer.rect
            shares[self._parts[name]] = hold[y0:y1, x0:x1].ravel()
        return shares

    @property
    def size_px(self) -> int:
        return self._asset.size_px

    def pixels(self, part: str) -> F32:
        """(2, n): where the points of `part` are in the frame, after `pose`."""
        return self._pixels[:2, self._parts[part]]

    def pose(self, pose: Pose) -> Shape:
        """Move everything to `pose`."""
        np.copyto(self._points, self._rest)
        lips_part = self._express(pose)
        n = self._asset.eyes.points
        lids = pose_eyes(
            self._asset.eyes,
            self._points[:, self._parts["lids"]].reshape(3, 2, 3, n),
            self._points[:, self._parts["gaze"]].reshape(3, 2, 3),
            pose,
        )
        turn_jaw(self._asset.mouth, self._points[:, self._parts["sprites"]], pose)
        turned(self._points, pose, self._asset.pivot, self._hold, out=self._pixels)
        project(self._asset.camera, self._pixels)
        return Shape(lids, lips_part)

    def _express(self, pose: Pose) -> bool:
        asset, weights, points, parts = self._asset, self._weights, self._points, self._parts
        weights[:] = 0
        for name, value in pose.items():
            i = asset.shapes.get(name)
            if i is not None:
                weights[i] = value
        active = np.flatnonzero(weights)
        lips_part = bool(asset.parts_lips[active].any())
        if not len(active):
            return lips_part
        moved = {"head": asset.layers["head"].basis, "lips": asset.mouth.basis}
        if lips_part:
            moved["lower"] = asset.lower.basis
        few = len(active) < len(weights) // 2  # copying rows pays only for a few
        for name, basis in moved.items():
            assert basis is not None
            change = weights[active] @ basis[active] if few else weights @ basis
            points[:, parts[name]] += change.reshape(3, -1)
        return lips_part


def turned(points: F32, pose: Pose, pivot: F32, hold: F32 | None, *, out: F32 | None = None) -> F32:
    """`points`, (3, n), turned and shifted with the head about its neck.

    `hold` is each one's share of the movement, (n,); None: all of it.
    """
    get = pose.get
    yaw, pitch, roll = (math.radians(get("head" + a, 0.0)) for a in ("Yaw", "Pitch", "Roll"))
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    turn = np.array(
        [
            [cr * cy - sr * sp * sy, -sr * cp, cr * sy + sr * sp * cy],
            [sr * cy + cr * sp * sy, cr * cp, sr * sy - cr * sp * cy],
            [-cp * sy, sp, cp * cy],
        ],
        np.float32,
    )
    shift = np.array([get("headX", 0.0), get("headY", 0.0), get("headZ", 0.0)], np.float32)
    placed: F32 = np.matmul(turn, points, out=out)
    placed += (pivot + shift - turn @ pivot)[:, None]
    if hold is not None:
        placed -= points
        placed *= hold
        placed += points
    return placed


def project(camera: Camera, points: F32) -> None:
    """Perspective of (3, n), in place: x and y become continuous pixels, z the scale."""
    half = np.float32(camera.size_px / 2)
    scale = points[2]
    np.subtract(np.float32(camera.z), scale, out=scale)
    np.divide(np.float32(camera.focal * camera.size_px / 2), scale, out=scale)
    points[0] *= scale
    points[0] += half
    points[1] -= np.float32(camera.y)
    points[1] *= scale
    np.subtract(half, points[1], out=points[1])
