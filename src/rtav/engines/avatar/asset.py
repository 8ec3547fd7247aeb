"""A face at one frame size: everything that does not change from frame to frame."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.camera import F32, Camera
from rtav.engines.avatar.eyes import build_eyes
from rtav.engines.avatar.face import FaceFile
from rtav.engines.avatar.folds import build_folds
from rtav.engines.avatar.layers import CELL_PX, Layer, build_layer, flat
from rtav.engines.avatar.mouth import build_mouth
from rtav.engines.avatar.paint import U8, Rect, inverted, premultiplied
from rtav.engines.avatar.scene import PictureScene, Scene
from rtav.engines.avatar.scratch import Scratch, in_huge_pages

ORDER = ("hair_back", "head", "hair_front")  # from the back to the front
MIN_SIZE_PX, MAX_SIZE_PX = 128, 1536
CONTEXT_PX = 32  # around the mouth: the inversion must see its neighbours


class FaceAsset:
    """Shared by all calls that show the face at this size: immutable but for its `scratch`."""

    def __init__(self, face: FaceFile, size_px: int) -> None:
        """Raises ValueError for a size that the raster does not divide or no one would show."""
        if size_px % CELL_PX or not MIN_SIZE_PX <= size_px <= MAX_SIZE_PX:
            raise ValueError(
                f"a face is {MIN_SIZE_PX} to {MAX_SIZE_PX} px high, a multiple of {CELL_PX}"
            )
        z, focal, y = face.camera
        self.size_px = size_px
        self.scratch = Scratch(size_px)
        self.grid = size_px // CELL_PX
        self.camera = Camera(z=z, focal=focal, y=y, size_px=size_px)
        self.pivot = np.array(face.pivot, np.float32)
        self.shapes = {name: i for i, name in enumerate(face.shapes)}
        self.scene: Scene | PictureScene = self._build_scene(face)
        self.mouth = build_mouth(face, self.camera)
        self.eyes = build_eyes(face, self.camera)
        upper, lower = self._build_fields(face)
        self.hold = self._build_hold(face.arrays.get("hold"))
        """(grid, grid): how much of the head's turning each node follows; None: all of it."""
        rest = self.camera.nodes(face.arrays["depth_head"], self.grid)
        self.layers = self._build_layers(face, rest, upper)
        self.folds = build_folds(face, self.camera, self.layers["head"])
        self.lower_rect = self._mouth_rect(face.mouth_y)
        self.lower = self._build_lower(rest, upper, lower)
        self.parts_lips = np.abs(lower - upper).reshape(len(upper), -1).max(1) > 1e-4
        """(K,) bool: which shapes move the two lips differently."""

    def before(self, face: FaceFile, *, is_picture: bool = False) -> FaceAsset:
        """The same before the backdrop and with the body of `face`. `is_picture`: a picture that
        has edges, which must not rise with the breath."""
        other = copy.copy(self)
        other.scene, other.scratch = self._build_scene(face), Scratch(self.size_px)
        if is_picture:
            body = premultiplied(self._fit(face.pictures["body"]))
            other.scene = PictureScene(np.asarray(self._fit(face.backdrop), np.uint8), body)
        return other

    def _fit(self, picture: NDArray[Any]) -> NDArray[Any]:  # uint8 or float32
        if picture.shape[0] == self.size_px:
            return picture
        shrinks = picture.shape[0] > self.size_px
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return cv2.resize(picture, (self.size_px, self.size_px), interpolation=how)

    def _build_scene(self, face: FaceFile) -> Scene:
        body = premultiplied(self._fit(face.pictures["body"])).astype(np.float32)
        backdrop = self._fit(face.backdrop).astype(np.float32)
        scene = backdrop * (1 - body[..., 3:] / 255) + body[..., :3]
        return Scene(np.clip(scene, 0, 255).astype(np.uint8))

    def _build_layers(self, face: FaceFile, rest: F32, upper: F32) -> dict[str, Layer]:
        layers = {}
        for name in ORDER:
            picture = premultiplied(self._fit(face.pictures[name]))
            alpha: U8 = picture[..., 3]
            if alpha.any():
                head = name == "head"
                depth = face.arrays[name.replace("hair", "depth")] if not head else None
                nodes = rest if depth is None else self.camera.nodes(depth, self.grid)
                basis = upper if head else None
                layers[name] = build_layer(
                    inverted(picture), alpha, nodes, opaque=head, basis=basis
                )
        stores = in_huge_pages([layer.picture.shape for layer in layers.values()])
        for store, (name, layer) in zip(stores, layers.items(), strict=True):
            np.copyto(store, layer.picture)
            layers[name] = replace(layer, picture=store)
        return layers

    def _build_fields(self, face: FaceFile) -> tuple[F32, F32]:
        """(K, 3, grid, grid) displacements above and below the seam."""
        a = face.arrays
        lower = a["upper"].copy()
        row, column = (int(v) for v in a["lower_at"])
        h, w = a["lower"].shape[1:3]
        lower[:, row : row + h, column : column + w] += a["lower"]
        return self._resample(a["upper"]), self._resample(lower)

    def _build_hold(self, hold: F32 | None) -> F32 | None:
        if hold is None:
            return None
        fitted = cv2.resize(hold, (self.grid, self.grid), interpolation=cv2.INTER_LINEAR)
        return np.asarray(fitted, np.float32)

    def _resample(self, fields: F32) -> F32:
        size = (self.grid, self.grid)
        fitted = [cv2.resize(field, size, interpolation=cv2.INTER_CUBIC) for field in fields]
        return np.ascontiguousarray(np.stack(fitted).transpose(0, 3, 1, 2))

    def _mouth_rect(self, mouth_y: float) -> Rect:
        """The nodes in which the lower lip has a field of its own."""
        corners = np.array([[-0.46, mouth_y + 0.20, 0.7], [0.46, mouth_y - 0.64, 0.6]])
        (left, top), (right, bottom) = self.camera.project(corners) / CELL_PX
        x0, y0, x1, y1 = self.layers["head"].rect
        return (
            max(x0, int(left)),
            max(y0, int(top)),
            min(x1, int(right) + 1),
            min(y1, int(bottom) + 1),
        )

    def _build_lower(self, rest: F32, upper: F32, lower: F32) -> Layer:
        """The lower field, faded into the upper one at the border of its rectangle."""
        x0, y0, x1, y1 = self.lower_rect
        i, j = np.arange(x1 - x0, dtype=np.float32), np.arange(y1 - y0, dtype=np.float32)
        across = np.clip(np.minimum(i, i[::-1]) / (len(i) * 0.17), 0, 1)[None]
        down = np.clip(j[::-1] / (len(j) * 0.15), 0, 1)[:, None]
        share = across * down
        share = share * share * (3 - 2 * share)
        pad, head = max(3, round(CONTEXT_PX / CELL_PX)), self.layers["head"].rect
        outer = (
            max(head[0], x0 - pad),
            max(head[1], y0 - pad),
            min(head[2], x1 + pad),
            min(head[3], y1 + pad),
        )
        around = ((y0 - outer[1], outer[3] - y1), (x0 - outer[0], outer[2] - x1))
        weight = np.zeros((self.grid, self.grid), np.float32)
        weight[outer[1] : outer[3], outer[0] : outer[2]] = np.pad(share, around, mode="edge")
        mixed = upper + weight * (lower - upper)
        return Layer(
            picture=self.layers["head"].picture,
            rect=outer,
            rest=flat(rest, outer),
            outline=np.zeros(0, np.intp),
            seen=np.zeros(0, np.intp),
            basis=flat(mixed, outer),
        )
