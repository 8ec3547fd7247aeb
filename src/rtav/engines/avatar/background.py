"""Makes a background of a stranger's picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2

from rtav.engines.avatar.paint import U8
from rtav.engines.avatar.picture import read_picture
from rtav.errors import ProtocolError

FILE = "background.jpg"
MAX_SIDE_PX = 2048  # no frame is larger
PREVIEW_PX = 256
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 93]


def write_background(upload: bytes, folder: Path) -> dict[str, Any]:
    """Write a picture (PNG, JPEG, WebP) encoded anew, and its preview, into `folder`.

    Returns what is to be shown of it. Raises ProtocolError `invalid_background`.
    """
    try:
        picture = read_picture(upload)
    except ProtocolError as error:
        message = error.message.replace("a face archive (zip), or ", "")
        raise ProtocolError(message, code="invalid_background", param="file") from None
    picture = _within(picture, MAX_SIDE_PX)
    cv2.imwrite(str(folder / FILE), picture, _QUALITY)
    cv2.imwrite(str(folder / "preview.png"), _within(picture, PREVIEW_PX))
    height, width = picture.shape[:2]
    return {"width": width, "height": height, "preview": True}


def read_background(folder: Path) -> U8:
    """(H, W, 3) BGR. Raises ValueError if it is gone."""
    picture = cv2.imread(str(folder / FILE), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"there is no background in {folder}")
    return picture.astype("uint8", copy=False)


def _within(picture: U8, side_px: int) -> U8:
    scale = side_px / max(picture.shape[:2])
    if scale >= 1:
        return picture
    fitted = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return fitted.astype("uint8", copy=False)
