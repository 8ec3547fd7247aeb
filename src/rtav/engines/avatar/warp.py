"""The warp of one layer: from where its nodes went to where every pixel comes from."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.layers import CELL_PX, Layer
from rtav.engines.avatar.paint import Rect


class Warp:
    """Scratch for one layer of one call. The maps are planar: two-channel remap is slow."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        shape = layer.shape
        columns, rows = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
        self._node_x, self._node_y = columns.astype(np.float32), rows.astype(np.float32)
        self._at_x = (self._node_x + layer.rect[0] + 0.5) * CELL_PX
        self._at_y = (self._node_y + layer.rect[1] + 0.5) * CELL_PX
        self._source_x, self._source_y = self._node_x.copy(), self._node_y.copy()
        scratch = [np.empty(shape, np.float32) for _ in range(4)]
        self._moved_x, self._moved_y, self._temp_x, self._temp_y = scratch

    def invert(self, x: F32, y: F32, box: Rect, steps: int) -> None:
        """Find, for the nodes under `box` (pixels), where their pixels come from.

        `x`, `y` are the posed nodes in pixels. Fixed point m <- node - f(m). Always starts from
        the forward field: a warm start from the last frame would save a few steps, but the
        inverse is not unique where the cheek folds over the ear, and the picture would depend
        on what was shown before.
        """
        rows, columns = self.layer.shape
        x0, y0 = self.layer.rect[:2]
        cell = np.float32(1.0 / CELL_PX)
        for nodes, at, moved in ((x, self._at_x, self._moved_x), (y, self._at_y, self._moved_y)):
            np.subtract(nodes.reshape(rows, columns), at, out=moved)
            np.multiply(moved, cell, out=moved)
        s = np.s_[
            max(0, box[1] // CELL_PX - y0 - 1) : min(rows, box[3] // CELL_PX - y0 + 1),
            max(0, box[0] // CELL_PX - x0 - 1) : min(columns, box[2] // CELL_PX - x0 + 1),
        ]
        source_x, source_y = self._source_x[s], self._source_y[s]
        temp_x, temp_y, node_x, node_y = (
            a[s] for a in (self._temp_x, self._temp_y, self._node_x, self._node_y)
        )
        np.subtract(node_x, self._moved_x[s], out=source_x)
        np.subtract(node_y, self._moved_y[s], out=source_y)
        how, edge = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
        for _ in range(steps):
            cv2.remap(self._moved_x, source_x, source_y, how, dst=temp_x, borderMode=edge)
            cv2.remap(self._moved_y, source_x, source_y, how, dst=temp_y, borderMode=edge)
            np.subtract(node_x, temp_x, out=source_x)
            np.subtract(node_y, temp_y, out=source_y)

    def dense(self, box: Rect, map_x: F32, map_y: F32) -> tuple[F32, F32]:
        """Source coordinates of every pixel of `box` (whole cells), after `invert`.

        The results are views into `map_x`, `map_y`, which must be at least two cells larger.
        """
        rows, columns = self.layer.shape
        gx, gy = self.layer.rect[:2]
        x0, y0, x1, y1 = (v // CELL_PX - g for v, g in zip(box, (gx, gy, gx, gy), strict=True))
        # one node of context on every side where there is one
        a, b, c, d = max(0, x0 - 1), max(0, y0 - 1), min(columns, x1 + 1), min(rows, y1 + 1)
        size = ((c - a) * CELL_PX, (d - b) * CELL_PX)
        left, top = (x0 - a) * CELL_PX, (y0 - b) * CELL_PX
        maps = []
        for source, temp, target, origin in (
            (self._source_x, self._temp_x, map_x, gx),
            (self._source_y, self._temp_y, map_y, gy),
        ):
            coarse = np.multiply(source[b:d, a:c], np.float32(CELL_PX), out=temp[b:d, a:c])
            coarse += np.float32((origin + 0.5) * CELL_PX - 0.5)
            into = target.reshape(-1)[: size[0] * size[1]].reshape(size[1], size[0])
            fine = cast(F32, cv2.resize(coarse, size, dst=into, interpolation=cv2.INTER_LINEAR))
            maps.append(fine[top : top + box[3] - box[1], left : left + box[2] - box[0]])
        return maps[0], maps[1]
