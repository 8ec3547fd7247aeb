"""What stands behind the head: backdrop and body, which rises with the breath."""

from __future__ import annotations

import math
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.paint import U8, Rect

BREATH = 0.006  # how far the body rises, of the frame's height
BODY_TOP = 0.66  # rows below this part of the frame breathe
PAD_ROWS = 16  # below the frame, to be moved up into it

Planes = tuple[U8, U8, U8]


class Scene:
    """The scene in both forms a frame needs: BGRA under the head, Y, U and V around it."""

    def __init__(self, picture: U8) -> None:
        """`picture` is (size, size, 3) BGR; size must be even."""
        tall = cv2.copyMakeBorder(picture, 0, PAD_ROWS, 0, 0, cv2.BORDER_REPLICATE)
        h, w = tall.shape[:2]
        self._size = w
        self._top = int(w * BODY_TOP) // 2 * 2
        self._bgra = cv2.cvtColor(tall, cv2.COLOR_BGR2BGRA)
        self._planes = planes(cast(U8, cv2.cvtColor(tall, cv2.COLOR_BGR2YUV_I420)), h, w)

    def fill(self, frame: Planes, breath: float) -> None:
        """Copy the whole scene into a frame's planes."""
        for i, (src, dst) in enumerate(zip(self._planes, frame, strict=True)):
            step = 1 if i == 0 else 2
            top = self._top // step
            np.copyto(dst[:top], src[:top])
            _raise_rows(src, dst[top:], top, breath * self._size * BREATH / step)

    def fill_part(self, dst: U8, box: Rect, breath: float) -> None:
        """Copy the part `box` of the scene into `dst`, (h, w, 4)."""
        x0, y0, x1, y1 = box
        top = min(max(self._top, y0), y1)
        np.copyto(dst[: top - y0], self._bgra[y0:top, x0:x1])
        if top < y1:
            rise_px = breath * self._size * BREATH
            _raise_rows(self._bgra[:, x0:x1], dst[top - y0 :], top, rise_px)


def planes(i420: U8, height: int, width: int) -> Planes:
    """Views of the three planes of an I420 picture."""
    line = i420.reshape(-1)
    y, u = height * width, height * width * 5 // 4
    return (
        line[:y].reshape(height, width),
        line[y:u].reshape(height // 2, width // 2),
        line[u:].reshape(height // 2, width // 2),
    )


def _raise_rows(src: NDArray[Any], dst: NDArray[Any], y0: int, rise_px: float) -> None:
    """dst = the rows of `src` from `y0 + rise_px` on, interpolated."""
    whole = math.floor(rise_px)
    part, first, h = rise_px - whole, y0 + whole, dst.shape[0]
    if part < 1e-3:
        np.copyto(dst, src[first : first + h])
    else:
        above, below = src[first : first + h], src[first + 1 : first + 1 + h]
        cv2.addWeighted(above, 1 - part, below, part, 0, dst)
