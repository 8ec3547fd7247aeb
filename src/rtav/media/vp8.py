"""VP8 for clients without H.264: libvpx without delay, and RTP payloads of its frames."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.frame import PictureType

from rtav.media.pcm import I420

MIN_BITRATE = 100_000  # bit/s
MAX_PAYLOAD_BYTES = 1_200  # with RTP, SRTP, UDP and a tunnel's headers still below every MTU

_TIME_BASE = Fraction(1, 90_000)


class Vp8Encoder:
    """Realtime, one thread, key frames only on request.

    FFmpeg never passes a changed `bit_rate` on to libvpx. But VP8 derives the bits of a frame from
    its time stamps, so the rate is changed by stretching the encoder's own time: at half the wanted
    rate each frame is said to last half as long. It holds from the next frame on, both ways. (The
    time on the wire is the egress clock's.)
    """

    def __init__(self, *, width: int, height: int, fps: int, bitrate: int, ceiling: int) -> None:
        codec = av.CodecContext.create("libvpx", "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.framerate, codec.time_base = Fraction(fps), _TIME_BASE
        codec.bit_rate, codec.gop_size, codec.thread_count = bitrate, 1_000_000, 1
        codec.options = {
            "deadline": "realtime",
            "cpu-used": "-12",  # half the cost of -6 for 0.3 dB; -16 would lose 3 dB
            "lag-in-frames": "0",
            "static-thresh": "1",
            "partitions": "0",
            "minrate": str(bitrate),
            "maxrate": str(bitrate),
            "bufsize": str(bitrate // 2),
            "overshoot-pct": "15",
            "undershoot-pct": "100",
        }
        codec.open()
        self._codec: av.VideoCodecContext | None = codec
        self._nominal, self._ceiling = bitrate, ceiling
        self._step = 90_000 / fps
        self._stretch = 1.0
        self._pts = 0.0

    def encode(self, frame: I420, *, key: bool) -> list[bytes]:
        """RTP payloads of the next frame; see VideoEncoder."""
        assert self._codec is not None, "closed"
        picture = av.VideoFrame.from_ndarray(frame, format="yuv420p")
        picture.pts, picture.time_base = int(self._pts), _TIME_BASE
        picture.pict_type = PictureType.I if key else PictureType.NONE
        self._pts += self._step * self._stretch
        return packetize(b"".join(bytes(packet) for packet in self._codec.encode(picture)))

    def set_bitrate(self, bitrate: int) -> None:
        """Aim at `bitrate` bit/s from the next frame on."""
        self._stretch = max(MIN_BITRATE, min(bitrate, self._ceiling)) / self._nominal

    def close(self) -> None:
        """Free libvpx's memory."""
        self._codec = None


def packetize(frame: bytes) -> list[bytes]:
    """RTP payloads of one frame, each with the one-byte descriptor of RFC 7741 section 4.2.

    Without a picture id the payloads are stateless: they may be made once and sent to many.
    """
    room = MAX_PAYLOAD_BYTES - 1
    return [
        (b"\x10" if start == 0 else b"\x00") + frame[start : start + room]
        for start in range(0, len(frame), room)
    ]


def is_key(payloads: list[bytes]) -> bool:
    """Whether `packetize` made these payloads from a key frame (RFC 6386 section 9.1)."""
    return bool(payloads) and not payloads[0][1] & 1
