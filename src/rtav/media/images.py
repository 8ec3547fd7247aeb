"""Frames as still pictures."""

from __future__ import annotations

import cv2

from rtav.media.pcm import I420

JPEG_QUALITY = 80  # 15 to 25 kB for a 512 px face


def jpeg(frame: I420, *, quality: int = JPEG_QUALITY) -> bytes:
    """The frame as a JPEG file. 2 to 3 ms at 512 px; releases the GIL, so call it in a thread."""
    picture = cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420)
    done, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    assert done, "OpenCV encodes every picture that cvtColor returns"
    return data.tobytes()
