"""What stands behind the head: backdrop and body, which rises with the breath."""

from __future__ import annotations

import math
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.paint import U8, Rect, inverted, over

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


class PictureScene:
    """A scene whose backdrop does not rise with the body: needed where it has edges to see.

    0.3 ms a frame more at 512 px: body and backdrop are put together each time.
    """

    def __init__(self, backdrop: U8, body: U8) -> None:
        """`backdrop` is (size, size, 3) BGR, `body` (size, size, 4) premultiplied; size is even."""
        self._size = size = body.shape[0]
        self._top = top = int(size * BODY_TOP) // 2 * 2
        self._behind = cast(U8, cv2.cvtColor(backdrop, cv2.COLOR_BGR2BGRA))
        tall = cv2.copyMakeBorder(body, 0, PAD_ROWS, 0, 0, cv2.BORDER_REPLICATE)
        self._body = inverted(cast(U8, tall))
        self._still = self._behind[:top].copy()  # what does not rise
        over(self._still, np.ascontiguousarray(self._body[:top]), np.empty_like(self._still))
        i420 = cast(U8, cv2.cvtColor(self._still, cv2.COLOR_BGRA2YUV_I420))
        self._planes = planes(i420, top, size)

    def fill(self, frame: Planes, breath: float) -> None:
        """See `Scene`."""
        size, top = self._size, self._top
        lower = np.empty((size - top, size, 4), np.uint8)
        self._rising(lower, (0, top, size, size), breath)
        i420 = cast(U8, cv2.cvtColor(lower, cv2.COLOR_BGRA2YUV_I420))
        below = planes(i420, size - top, size)
        for still, rising, dst in zip(self._planes, below, frame, strict=True):
            np.copyto(dst[: len(still)], still)
            np.copyto(dst[len(still) :], rising)

    def fill_part(self, dst: U8, box: Rect, breath: float) -> None:
        """See `Scene`."""
        x0, y0, x1, y1 = box
        top = min(max(self._top, y0), y1)
        np.copyto(dst[: top - y0], self._still[y0:top, x0:x1])
        if top < y1:
            self._rising(dst[top - y0 :], (x0, top, x1, y1), breath)

    def _rising(self, dst: U8, box: Rect, breath: float) -> None:
        x0, y0, x1, y1 = box
        np.copyto(dst, self._behind[y0:y1, x0:x1])
        body = np.empty((y1 - y0, x1 - x0, 4), np.uint8)
        _raise_rows(self._body[:, x0:x1], body, y0, breath * self._size * BREATH)
        over(dst, body, np.empty_like(body))


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
