"""What a video encoder offers, and which one to make."""

from __future__ import annotations

from typing import Literal, Protocol

from rtav.media.h264 import H264Encoder
from rtav.media.pcm import I420
from rtav.media.vp8 import Vp8Encoder

Codec = Literal["h264", "vp8"]

RTP_RATE_HZ = 90_000


class VideoEncoder(Protocol):
    """One call's encoder. Not thread-safe, but any thread may call it, one at a time."""

    def encode(self, frame: I420, *, key: bool) -> list[bytes]:
        """RTP payloads of the next frame, a key frame if `key`. The first one always is.

        The frame has the size that the encoder was made for. Releases the GIL.
        """

    def set_bitrate(self, bitrate: int) -> None:
        """Aim at `bitrate` (bit/s) from the next frame on, without a key frame. Limited to what
        the encoder was made for."""

    def close(self) -> None:
        """Free the codec's memory now. Nothing may be called afterwards."""


def make_encoder(
    codec: Codec, *, width: int, height: int, fps: int, bitrate: int, ceiling: int
) -> VideoEncoder:
    """An encoder for frames of `width` by `height` px that aims at `bitrate` and never exceeds
    `ceiling` (bit/s).

    Raises ValueError if the size is odd, or beyond H.264's level 3.1.
    """
    if width % 2 or height % 2:
        raise ValueError(f"video needs an even size, not {width}x{height}")
    kind = H264Encoder if codec == "h264" else Vp8Encoder
    return kind(width=width, height=height, fps=fps, bitrate=bitrate, ceiling=ceiling)
