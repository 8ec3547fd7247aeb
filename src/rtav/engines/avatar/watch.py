"""Takes the bearings of a face without posing all of it."""

from __future__ import annotations

import math

import numpy as np

from rtav.engines.avatar.asset import ORDER, FaceAsset
from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.channels import Pose, both
from rtav.engines.avatar.geometry import project, turned
from rtav.engines.avatar.layers import Nodes
from rtav.engines.avatar.lips import MOUTH
from rtav.engines.avatar.scene import BREATH
from rtav.engines.avatar.steadiness import EYES, Bearing

EVERY = 7  # nodes of which one is watched
LID = 0.16  # head units from an open lid to a shut one, at most
DEGREE = 0.4 * math.pi / 180  # head units that the front of an eye moves by in one of gaze
WIDE = 0.03  # head units that a widened eye's lid rises by
TONGUE = 0.07  # head units that the tongue rises by
TONGUE_OUT = 0.19  # and that its tip comes up by
_SPAN = {
    **dict.fromkeys(both("eyeBlink"), LID),
    **dict.fromkeys(both("eyeSquint"), LID),
    **dict.fromkeys(both("eyeWide"), WIDE),
    **dict.fromkeys(("gazeX", "gazeY"), DEGREE),
    "tongueUp": TONGUE,
    "tongueOut": TONGUE_OUT,
}


class Watch:
    """Takes the bearings of one face at one size. Immutable."""

    def __init__(self, asset: FaceAsset) -> None:
        self._camera, self._pivot = asset.camera, asset.pivot
        self._breath_px = asset.size_px * BREATH
        rest, moves, hold = [], [], []
        names = [name for name in asset.shapes if name not in MOUTH]
        rows = [asset.shapes[name] for name in names]
        for name in (n for n in ORDER if n in asset.layers):
            layer = asset.layers[name]
            some, basis = layer.seen[::EVERY], layer.basis
            if basis is not None:
                some = np.union1d(some, _farthest(basis[rows], layer.seen))
            rest.append(layer.rest[:, some])
            if basis is None:
                moves.append(np.zeros((len(rows), 3, len(some)), np.float32))
            else:
                moves.append(basis[rows].reshape(len(rows), 3, -1)[:, :, some])
            if asset.hold is not None:
                x0, y0, x1, y1 = layer.rect
                hold.append(asset.hold[y0:y1, x0:x1].ravel()[some])
        self._rest = np.concatenate(rest, 1)
        self._names = names
        self._moves = np.concatenate(moves, 2).reshape(len(rows), -1)
        self._hold = np.concatenate(hold) if hold else None
        px = asset.camera.focal / (asset.camera.z - 1) * asset.size_px / 2
        self._mouth_px, self._eyes_px = (
            np.array([px * self._span(asset, name) for name in names], np.float32)
            for names in (MOUTH, EYES)
        )

    def bearing(self, pose: Pose) -> Bearing:
        get = pose.get
        weights = np.array([get(name, 0.0) for name in self._names], np.float32)
        points = self._rest + (weights @ self._moves).reshape(3, -1)
        placed = turned(points, pose, self._pivot, self._hold)
        project(self._camera, placed)
        placed[2] = get("breath", 0.0) * self._breath_px
        mouth, eyes = (
            np.array([get(name, 0.0) for name in names], np.float32) * px
            for names, px in ((MOUTH, self._mouth_px), (EYES, self._eyes_px))
        )
        return Bearing(placed, mouth, eyes)

    @staticmethod
    def _span(asset: FaceAsset, name: str) -> float:
        """Head units that the channel moves anything by."""
        row = asset.shapes.get(name)
        moved = [_SPAN.get(name, 0.0)]
        if row is not None:
            for basis in (asset.layers["head"].basis, asset.lower.basis, asset.mouth.basis):
                assert basis is not None
                moved.append(float(np.abs(basis[row]).max()))
        return max(moved)


def _farthest(basis: F32, seen: Nodes) -> Nodes:
    """The nodes that one of the channels moves farthest. `basis` is (rows, 3 * n)."""
    reach = np.abs(basis.reshape(len(basis), 3, -1)[:, :, seen]).max(1)
    return np.asarray(seen[reach.argmax(1)])
