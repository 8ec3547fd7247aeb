"""Warped layers: a picture on a coarse raster of 3-D nodes, and what of it needs no blending."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.paint import U8, Rect

CELL_PX = 8  # per node; 4 costs 0.3 ms a frame and shows nothing, 16 loses the lips
MAX_HOLES = 2  # rectangles per layer that skip blending; more cost more calls than they save
MIN_HOLE_PX = 2500
MIN_HOLE_SIDE_PX = 24
MIN_MOVED_PX = 16  # of a side of a hole that is used
MARGIN = 0.09  # of the frame: how far expressions and poses reach beyond the silhouette

Nodes = NDArray[np.intp]
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Hole:
    """A rectangle that is wholly opaque (head) or wholly clear (hair), as lists of nodes."""

    sides: tuple[Nodes, Nodes, Nodes, Nodes]
    """Left, top, right, bottom."""
    open: tuple[bool, bool, bool, bool]
    """Whether that side runs off the layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of N nodes. `basis` is None where only the pose moves it."""

    picture: U8
    """(size, size, 4) premultiplied, inverse alpha."""
    rect: Rect
    """In nodes, on the frame's raster."""
    rest: F32
    """(3, N) head units."""
    outline: Nodes
    """The nodes that bound the visible pixels."""
    seen: Nodes
    """The nodes that have visible pixels."""
    holes: tuple[Hole, ...] = field(default=())
    basis: F32 | None = None
    """(K, 3 * N) displacements."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of nodes."""
        return self.rect[3] - self.rect[1], self.rect[2] - self.rect[0]

    @property
    def count(self) -> int:
        rows, columns = self.shape
        return rows * columns


def build_layer(picture: U8, alpha: U8, rest: F32, *, opaque: bool, basis: F32 | None) -> Layer:
    """Cut a layer out of the frame's raster.

    `alpha` is (size, size), `rest` (3, grid, grid), `basis` (K, 3, grid, grid). `opaque` says
    which holes to look for: an opaque core, or clear openings.
    """
    grid = rest.shape[1]
    cells = alpha.reshape(grid, CELL_PX, grid, CELL_PX)
    some, solid = cells.max((1, 3)) > 0, cells.min((1, 3)) == 255
    rows, columns = np.nonzero(some)
    bounds = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    pad = round(MARGIN * grid)
    rect = (
        max(0, bounds[0] - pad),
        max(0, bounds[1] - pad),
        min(grid, bounds[2] + pad),
        min(grid, bounds[3] + pad),
    )
    near = cv2.dilate(some.astype(np.uint8), _SQUARE)
    inner = cv2.erode(near, _SQUARE, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    mask = cv2.erode(solid.astype(np.uint8), _SQUARE) if opaque else 1 - near
    x0, y0, x1, y1 = rect
    return Layer(
        picture=picture,
        rect=rect,
        rest=flat(rest, rect),
        outline=np.flatnonzero((near - inner)[y0:y1, x0:x1]),
        seen=np.flatnonzero(some[y0:y1, x0:x1]),
        holes=_holes(mask, bounds, rect, closed=opaque),
        basis=None if basis is None else flat(basis, rect),
    )


def flat(nodes: F32, rect: Rect) -> F32:
    """The nodes of `rect`: (3, grid, grid) to (3, N), (K, 3, grid, grid) to (K, 3 * N)."""
    x0, y0, x1, y1 = rect
    cut = nodes[..., y0:y1, x0:x1]
    shape = (3, -1) if nodes.ndim == 3 else (nodes.shape[0], -1)
    return np.ascontiguousarray(cut.reshape(shape), np.float32)


def moved_box(layer: Layer, x: F32, y: F32) -> Rect:
    """The whole cells that the outline covers."""
    r = layer.rect
    return (
        max(r[0], int(x.min() / CELL_PX)) * CELL_PX,
        max(r[1], int(y.min() / CELL_PX)) * CELL_PX,
        min(r[2], int(x.max() / CELL_PX) + 1) * CELL_PX,
        min(r[3], int(y.max() / CELL_PX) + 1) * CELL_PX,
    )


def moved_holes(layer: Layer, x: F32, y: F32, box: Rect) -> list[Rect]:
    """Where the layer's holes are now, a little inside their moved sides."""
    found = []
    for hole in layer.holes:
        left, top, right, bottom = hole.sides
        inner = (
            int(x[left].max()) + 2,
            int(y[top].max()) + 2,
            int(x[right].min()) - 1,
            int(y[bottom].min()) - 1,
        )
        at = [box[i] if hole.open[i] else inner[i] for i in range(4)]
        rect = (max(at[0], box[0]), max(at[1], box[1]), min(at[2], box[2]), min(at[3], box[3]))
        if rect[2] - rect[0] >= MIN_MOVED_PX and rect[3] - rect[1] >= MIN_MOVED_PX:
            found.append(rect)
    return found


def _holes(mask: NDArray[Any], bounds: Rect, rect: Rect, *, closed: bool) -> tuple[Hole, ...]:
    """The largest rectangles of `mask` (uint8 per node) inside `bounds`."""
    x0, y0 = rect[:2]
    width = rect[2] - x0
    found: list[Hole] = []
    while len(found) < MAX_HOLES:
        best = _largest(mask[bounds[1] : bounds[3], bounds[0] : bounds[2]])
        w_px, h_px = (best[2] - best[0]) * CELL_PX, (best[3] - best[1]) * CELL_PX
        if w_px * h_px < MIN_HOLE_PX or min(w_px, h_px) < MIN_HOLE_SIDE_PX:
            break
        hole = tuple(best[i] + bounds[i % 2] for i in range(4))
        mask[hole[1] : hole[3], hole[0] : hole[2]] = 0
        rows = (np.arange(hole[1], hole[3]) - y0) * width
        columns = np.arange(hole[0], hole[2]) - x0
        sides = (
            rows + (hole[0] - x0),
            (hole[1] - y0) * width + columns,
            rows + (hole[2] - 1 - x0),
            (hole[3] - 1 - y0) * width + columns,
        )
        runs_off = [not closed and hole[i] == bounds[i] for i in range(4)]
        found.append(Hole(sides, (runs_off[0], runs_off[1], runs_off[2], runs_off[3])))
    return tuple(found)


def _largest(mask: NDArray[Any]) -> Rect:
    """The largest rectangle of ones, by the histogram of every row; empty if there is none."""
    best, found = 0, (0, 0, 0, 0)
    heights = np.zeros(mask.shape[1] + 1, int)
    for y, row in enumerate(mask):
        heights[:-1] = (heights[:-1] + 1) * (row > 0)
        stack: list[int] = []
        for x, height in enumerate(heights):
            while stack and heights[stack[-1]] >= height:
                top = int(heights[stack.pop()])
                left = stack[-1] + 1 if stack else 0
                if top * (x - left) > best:
                    best, found = top * (x - left), (left, y - top + 1, x, y + 1)
            stack.append(x)
    return found
