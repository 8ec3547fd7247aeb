"""The camera a face was made with: head units to pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """On the z axis at `z`, at height `y`, looking straight back; the picture is square."""

    z: float
    focal: float
    y: float
    size_px: int

    def project(self, points: NDArray[Any]) -> F32:  # Any: float32 or float64
        """(..., 3) head units to (..., 2) continuous pixels."""
        scale = self.focal / (self.z - points[..., 2])
        half = self.size_px / 2
        x = (points[..., 0] * scale + 1) * half
        y = (1 - (points[..., 1] - self.y) * scale) * half
        return np.stack([x, y], -1).astype(np.float32)

    def nodes(self, depth: F32, grid: int) -> F32:
        """(3, grid, grid) points at `depth`, of any resolution, that project to the centres of a
        `grid` x `grid` raster over the frame."""
        z = cv2.resize(depth, (grid, grid), interpolation=cv2.INTER_CUBIC)
        centres = (np.arange(grid, dtype=np.float32) + 0.5) / grid
        x, y = np.meshgrid(centres, centres)
        scale = self.focal / (self.z - z)
        return np.stack([(x * 2 - 1) / scale, (1 - y * 2) / scale + self.y, z]).astype(np.float32)
