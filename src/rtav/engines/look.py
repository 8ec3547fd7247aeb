"""How a face is shown: the frame around it, and what is behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Framing = Literal["square", "portrait", "landscape"]
ORIGINAL, MATTE = "original", "matte"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

LONG_SIDE = 16 / 9  # of the short one, where they differ
STEP_PX = 16  # codecs work in blocks of this size


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    framing: Framing = "square"
    background: str = ORIGINAL
    """`original`, a colour `#rrggbb`, the id of a picture, or `matte`: nothing at all. A matte
    is shown as two pictures, one above the other: the face before black, and how much of each
    point it covers, from black (nothing) to white (all)."""


PLAIN = Look()


def bgr(colour: str) -> tuple[int, int, int]:
    """Blue, green and red of `#rrggbb`."""
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red


def picture_px(size_px: int, look: Look) -> tuple[int, int]:
    """Width and height of the whole picture whose shorter side, were it no matte, has `size_px`."""
    width, height = frame_px(size_px, look.framing)
    return width, height * (2 if look.background == MATTE else 1)


def frame_px(size_px: int, framing: Framing) -> tuple[int, int]:
    """Width and height of what is seen: 1:1, 9:16 or 16:9, in whole blocks."""
    long_px = round(size_px * LONG_SIDE / STEP_PX) * STEP_PX
    match framing:
        case "portrait":
            return size_px, long_px
        case "landscape":
            return long_px, size_px
        case _:
            return size_px, size_px
