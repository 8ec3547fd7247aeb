"""What an open mouth shows: teeth and tongue, drawn once for all faces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # (H, W, 4) BGRA, premultiplied, 0 to 1

# widths from the middle outwards, of half the row: they seem narrower where the row turns back
UPPER_WIDTHS = (0.240, 0.184, 0.168, 0.138, 0.118, 0.092, 0.060)
LOWER_WIDTHS = (0.178, 0.192, 0.186, 0.160, 0.132, 0.096, 0.056)
# how far each reaches, of the row's height: the canine has a tip, the others follow the lip's arc
UPPER_LENGTHS = (0.975, 0.940, 0.948, 0.910, 0.880, 0.850, 0.810)
LOWER_LENGTHS = (0.940, 0.950, 0.955, 0.930, 0.900, 0.860, 0.820)
ENAMEL = (0.880, 0.945, 0.970)  # BGR
NECK = (0.740, 0.860, 0.935)  # the enamel next to the gum, which is yellower
GUM = (0.430, 0.400, 0.760)
ARC = 0.15  # of the row's height: how much higher its ends are than its middle
GUM_EDGE = 0.47  # of the row's height: where a tooth leaves the gum
OVERSAMPLING = 4


def teeth(*, upper: bool) -> Image:
    """A row of fourteen, gum included; the upper one hangs down."""
    h, w = 168 * OVERSAMPLING, 610 * OVERSAMPLING
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    aside = np.abs((xx + 0.5) / w * 2 - 1)
    y = (yy + 0.5) / h + ARC * aside**2
    enamel, cover = np.zeros((h, w, 3), np.float32), np.zeros((h, w), np.float32)
    start, gum = 0.0, np.full((h, w), GUM_EDGE, np.float32)
    lengths = UPPER_LENGTHS if upper else LOWER_LENGTHS
    for i, (width, length) in enumerate(
        zip(UPPER_WIDTHS if upper else LOWER_WIDTHS, lengths, strict=True)
    ):
        t = (aside - start - width / 2) / (width / 2)  # -1 to 1 across the tooth
        inside = np.abs(t) <= 1
        tip = 0.030 if i == 2 else 0.0  # the canine's
        edge = length - 0.055 * np.abs(t) ** 5 - tip * np.abs(t) ** 1.5
        shape = inside & (y < edge)
        round_ = 1 - 0.16 * np.abs(t) ** 4  # it turns away at its sides
        along = np.clip((y - GUM_EDGE) / (length - GUM_EDGE), 0, 1)
        lit = round_ * (0.94 + 0.06 * np.sin(along * np.pi))
        yellow = np.clip(1 - along * 2.2, 0, 1)[..., None]
        colour = np.array(ENAMEL, np.float32) * (1 - yellow) + np.array(NECK, np.float32) * yellow
        enamel[shape] = (colour * lit[..., None])[shape]
        cover[shape] = 1
        gum[inside] = (GUM_EDGE + 0.05 * np.abs(t) ** 2.5)[inside]  # it climbs between the teeth
        start += width
    pink = y < gum
    flesh = np.array(GUM, np.float32) * (0.80 + 0.35 * y / GUM_EDGE)[..., None]
    enamel[pink & (aside < 0.985)] = flesh[pink & (aside < 0.985)]
    cover[pink & (aside < 0.985)] = 1
    enamel *= (1 - 0.66 * np.clip((aside - 0.22) / 0.78, 0, 1) ** 1.3)[
        ..., None
    ]  # the row turns back, out of the light
    image = np.dstack([enamel * cover[..., None], cover])
    small = cv2.resize(image, (w // OVERSAMPLING, h // OVERSAMPLING), interpolation=cv2.INTER_AREA)
    return (small if upper else small[::-1]).astype(np.float32)


def tongue() -> Image:
    """From its tip, at the bottom, to where it is lost in the dark."""
    h, w = 160, 300
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    nx, ny = (xx - w / 2) / (w / 2), (yy - h * 0.52) / (h * 0.48)
    away = (np.abs(nx) ** 2.4 + np.abs(ny) ** 2.4) ** (1 / 2.4)
    cover = np.clip((1 - away) * 22, 0, 1)
    shade = 0.66 + 0.30 * np.clip((ny + 1) / 2, 0, 1) - 0.26 * away**4
    shade -= 0.10 * np.exp(-((nx / 0.10) ** 2)) * np.clip(0.6 - ny, 0, 1)
    shade += 0.12 * np.exp(-(((nx + 0.28) / 0.26) ** 2) - ((ny - 0.25) / 0.28) ** 2)
    shade = np.clip(shade, 0, 1.1)
    colour = np.stack([0.47 * shade, 0.45 * shade, 0.86 * shade], -1) * cover[..., None]
    return np.dstack([colour, cover]).astype(np.float32)
