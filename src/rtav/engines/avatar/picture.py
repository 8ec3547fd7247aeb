"""Pictures of strangers: what they are and how large, before they are decoded, and then decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np

from rtav.engines.avatar.paint import U8
from rtav.errors import ProtocolError

MAX_SIDE_PX = 8192
MAX_PIXELS = 40_000_000
MIN_SIDE_PX = 128
UNDER = np.array([198, 206, 214], np.float32)  # BGR: what is seen through a picture that is cut out
_PNG = b"\x89PNG\r\n\x1a\n"


def read_picture(content: bytes) -> U8:
    """(H, W, 3) BGR, as it is to be seen: turned as its EXIF data says.

    PNG, JPEG or WebP. Raises ProtocolError `invalid_face`.
    """
    picture_size(content)
    return _decoded(content)


def read_alpha(content: bytes) -> U8 | None:
    """(H, W) how much of each point of a picture is there; None: all of it. As `read_picture`."""
    picture_size(content)
    if content[:2] == b"\xff\xd8":
        return None
    image = _unchanged(content, cv2.IMREAD_UNCHANGED)
    if image.ndim == 2 or image.shape[2] < 4 or image[..., 3].min() == 255:
        return None
    return np.ascontiguousarray(image[..., 3])


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height as the header says, which may be made up. Raises as `read_picture`."""
    if content.startswith(_PNG):
        width, height = _png(content)
    elif content[:2] == b"\xff\xd8":
        width, height = _jpeg(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        width, height = _webp(content)
    else:
        raise refused("send a face archive (zip), or a picture as PNG, JPEG or WebP")
    if min(width, height) < MIN_SIDE_PX:
        raise refused(f"the picture is too small: {width} x {height} px, at least {MIN_SIDE_PX}")
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise refused(f"the picture is too large: {width} x {height} px")
    return width, height


def refused(message: str) -> ProtocolError:
    """What is wrong with the file that was to be a face."""
    return ProtocolError(message, code="invalid_face", param="file")


def _decoded(content: bytes) -> U8:
    is_jpeg = content[:2] == b"\xff\xd8"
    how = cv2.IMREAD_COLOR if is_jpeg else cv2.IMREAD_UNCHANGED
    image = _unchanged(content, how)
    if image.ndim == 2:
        image = cast(U8, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    if image.shape[2] == 4:
        alpha = image[..., 3:].astype(np.float32) / 255
        image = (image[..., :3] * alpha + UNDER * (1 - alpha) + 0.5).astype(np.uint8)
    return image


def _unchanged(content: bytes, how: int) -> U8:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), how)
    if image is None:
        raise refused("the picture is damaged")
    if image.dtype == np.uint16:
        image = np.right_shift(np.asarray(image, np.uint16), 8).astype(np.uint8)
    return cast(U8, image)


# --- what their headers say ------------------------------------------------------------------


def _png(content: bytes) -> tuple[int, int]:
    if content[12:16] != b"IHDR" or len(content) < 33:
        raise refused("the picture is damaged")
    if b"acTL" in content[:4096]:
        raise refused("the picture is animated: send one that stands still")
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _jpeg(content: bytes) -> tuple[int, int]:
    for marker, segment in _segments(content):
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC) and len(segment) > 5:
            if segment[5] not in (1, 3):
                raise refused("the picture is CMYK, for printing: send it in RGB")
            return int.from_bytes(segment[3:5], "big"), int.from_bytes(segment[1:3], "big")
    raise refused("the picture is damaged")


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        yield marker, content[at + 4 : at + 2 + length]
        at += 2 + max(2, length)


def _webp(content: bytes) -> tuple[int, int]:
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        raise refused("the picture is damaged")
    if kind == b"VP8X":
        if body[0] & 0x02:
            raise refused("the picture is animated: send one that stands still")
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return tuple(int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))  # type: ignore[return-value] # two of them
    raise refused("the picture is damaged")
