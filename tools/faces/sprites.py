"""What an open mouth shows: teeth and tongue, drawn once for all faces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # (H, W, 4) BGRA, premultiplied, 0 to 1

UPPER_WIDTHS = (0.108, 0.092, 0.088, 0.078, 0.070, 0.058)  # from the middle outwards, of the width
LOWER_WIDTHS = (0.076, 0.078, 0.078, 0.074, 0.070, 0.060)
OVERSAMPLING = 4


def teeth(*, upper: bool) -> Image:
    """A row of twelve, gum included."""
    h, w = 150, 420
    cover = _outlines(h, w, upper=upper)
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    aside = np.abs(xx / w - 0.5) * 2
    shade = (1 - 0.62 * aside**2.2) * (0.80 + 0.20 * np.clip(yy / h * 2, 0, 1))
    inner = cv2.GaussianBlur(cover, (0, 0), 5)
    shade *= 0.72 + 0.28 * np.clip((inner - 0.5) * 2, 0, 1)
    white = np.stack([0.86 * shade, 0.93 * shade, 0.97 * shade], -1) * cover[..., None]
    gum = (np.clip((0.20 * h - yy) / (0.06 * h), 0, 1) * (aside < 0.97))[..., None]
    pink = np.stack([0.36 * shade, 0.30 * shade, 0.72 * shade], -1)
    image = np.dstack([white * (1 - gum) + pink * gum, np.maximum(cover, gum[..., 0])])
    return (image if upper else image[::-1]).astype(np.float32)


def tongue() -> Image:
    h, w = 160, 300
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    nx, ny = (xx - w / 2) / (w / 2), (yy - h * 0.62) / (h * 0.60)
    away = np.sqrt(nx**2 + ny**2)
    cover = np.clip((1 - away) * 25, 0, 1)
    shade = 0.95 - 0.45 * away**2 - 0.25 * np.exp(-((nx / 0.07) ** 2)) * (ny > -0.6)
    shade += 0.25 * np.exp(-(((nx + 0.25) / 0.25) ** 2) - ((ny + 0.45) / 0.2) ** 2)
    shade = np.clip(shade, 0, 1.2)
    colour = np.stack([0.42 * shade, 0.40 * shade, 0.82 * shade], -1) * cover[..., None]
    return np.dstack([colour, cover]).astype(np.float32)


def _outlines(h: int, w: int, *, upper: bool) -> Image:
    big = np.zeros((h * OVERSAMPLING, w * OVERSAMPLING), np.uint8)
    x = 0.5
    for width in UPPER_WIDTHS if upper else LOWER_WIDTHS:
        for left, right in ((x, x + width), (1 - x - width, 1 - x)):
            _tooth(big, left, right, upper=upper)
        x += width
    small = cv2.resize(big, (w, h), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255


def _tooth(image: NDArray[np.uint8], left: float, right: float, *, upper: bool) -> None:
    h, w = image.shape
    aside = abs((left + right) / 2 - 0.5) * 2
    length = 0.80 - 0.06 * aside
    if upper:
        length = 0.93 - 0.10 * aside - (0.06 if 0.18 < aside < 0.36 else 0.0)
    x0, x1, y1 = int(left * w) + 2, int(right * w) - 2, int(h * length)
    r = int((x1 - x0) * 0.30)
    cv2.rectangle(image, (x0, -10), (x1, y1 - r), 255, -1)
    cv2.rectangle(image, (x0 + r, 0), (x1 - r, y1), 255, -1)
    cv2.circle(image, (x0 + r, y1 - r), r, 255, -1)
    cv2.circle(image, (x1 - r, y1 - r), r, 255, -1)
