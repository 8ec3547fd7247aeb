"""H.264 for browsers: libx264 without delay, and RTP payloads of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType

from rtav.media.pcm import I420

# Level 3.1 (table A-1): all that WebRTC stacks agree on without asking.
MAX_MACROBLOCKS = 3_600
MAX_MACROBLOCKS_PER_S = 108_000

MIN_BITRATE = 100_000  # bit/s; below, x264 only repeats the last picture
MAX_PAYLOAD_BYTES = 1_200  # with RTP, SRTP, UDP and a tunnel's headers still below every MTU

# Follows a lower rate within 0.5 s; no key frame of its own when the picture changes; never better
# than about 47 dB: at a constant rate a resting face is refined for ever, with 2.4 times the bits;
# no adaptive quantisation, which costs 0.25 ms and 0.1 to 0.7 dB of our faces' PSNR.
X264_PARAMETERS = "ratetol=0.5:vbv-init=0.5:scenecut=0:qpmin=20:aq-mode=0"

_TIME_BASE = Fraction(1, 90_000)
_SEI, _AUD = 6, 9  # NAL types no decoder needs: x264's banner (700 bytes) and access unit limits
_STAP_A, _FU_A = 24, 28  # RFC 6184 sections 5.7.1 and 5.8


def max_fps(width: int, height: int) -> int:
    """Frames per second that level 3.1 allows at a size in px; 0 if the size is too large."""
    blocks = -(-width // 16) * -(-height // 16)
    return 0 if blocks > MAX_MACROBLOCKS else MAX_MACROBLOCKS_PER_S // blocks


class H264Encoder:
    """Constrained baseline, level 3.1, one thread, key frames only on request.

    x264 takes a new bit rate on an open encoder only if it was opened as CBR (`maxrate` equal to
    `bit_rate`) and only up to that rate; otherwise it ignores it silently. So the stream is opened
    at the ceiling and turned down before its first frame.
    """

    def __init__(self, *, width: int, height: int, fps: int, bitrate: int, ceiling: int) -> None:
        if fps > max_fps(width, height):
            raise ValueError(f"{width}x{height} at {fps} fps is beyond H.264 level 3.1")
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.framerate, codec.time_base = Fraction(fps), _TIME_BASE
        codec.bit_rate = ceiling
        codec.gop_size = 1_000_000
        codec.thread_count = 1  # calls run side by side; slices would cost quality
        codec.profile = "Baseline"
        codec.options = {
            "preset": "superfast",  # 0.9 ms at 512 px, within 0.2 dB of presets at 7 times the cost
            "tune": "zerolatency",
            "level": "31",
            "forced-idr": "1",  # without it a requested key frame is an I frame that is no IDR
            "maxrate": str(ceiling),
            "bufsize": str(ceiling // 4),  # 0.25 s: bounds a key frame
            "x264-params": X264_PARAMETERS,
        }
        codec.open()
        self._codec: av.VideoCodecContext | None = codec
        self._ceiling = ceiling
        self._step = 90_000 // fps
        self._pts = 0
        self.set_bitrate(bitrate)

    def encode(self, frame: I420, *, key: bool) -> list[bytes]:
        """RTP payloads of the next frame; see VideoEncoder."""
        assert self._codec is not None, "closed"
        # A view, not a copy: without delay x264 has read it when `encode` returns.
        picture = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame), format="yuv420p")
        picture.pts, picture.time_base = self._pts, _TIME_BASE
        picture.pict_type = PictureType.I if key else PictureType.NONE
        self._pts += self._step
        return packetize(b"".join(bytes(packet) for packet in self._codec.encode(picture)))

    def set_bitrate(self, bitrate: int) -> None:
        """Aim at `bitrate` bit/s from the next frame on."""
        assert self._codec is not None, "closed"
        self._codec.bit_rate = max(MIN_BITRATE, min(bitrate, self._ceiling))

    def close(self) -> None:
        """Free x264's memory (10 MB at 512 px)."""
        self._codec = None


def packetize(stream: bytes) -> list[bytes]:
    """RTP payloads (packetization mode 1) of one access unit in Annex B form.

    Small neighbours share a STAP-A, what is larger than MAX_PAYLOAD_BYTES is cut into FU-A.
    Stateless: the payloads may be made once and sent to many.
    """
    payloads: list[bytes] = []
    small: list[bytes] = []
    for unit in _split(stream):
        if small and _aggregate_size(small) + 2 + len(unit) > MAX_PAYLOAD_BYTES:
            payloads.append(_aggregate(small))
            small = []
        if len(unit) > MAX_PAYLOAD_BYTES:
            payloads.extend(_fragments(unit))
        else:
            small.append(unit)
    if small:
        payloads.append(_aggregate(small))
    return payloads


def is_key(payloads: list[bytes]) -> bool:
    """Whether `packetize` made these payloads from a frame that decoders can start with."""
    return any(unit_type in (5, 7) for payload in payloads for unit_type in _types(payload))


def _split(stream: bytes) -> Iterator[bytes]:
    """The NAL units between the start codes, without those that no decoder needs."""
    start = stream.find(b"\0\0\1")
    while start >= 0:
        end = stream.find(b"\0\0\1", start + 3)
        # A unit never ends in zero (its trailing bits hold a one): zeros belong to the next code.
        unit = stream[start + 3 : end if end >= 0 else None].rstrip(b"\0")
        if unit and unit[0] & 0x1F not in (_SEI, _AUD):
            yield unit
        start = end


def _aggregate_size(units: list[bytes]) -> int:
    return 1 + sum(2 + len(unit) for unit in units)


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    importance = max(unit[0] & 0x60 for unit in units)
    return bytes([importance | _STAP_A]) + b"".join(
        len(unit).to_bytes(2, "big") + unit for unit in units
    )


def _fragments(unit: bytes) -> Iterator[bytes]:
    indicator, unit_type = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    room = MAX_PAYLOAD_BYTES - 2
    pieces = -(-(len(unit) - 1) // room)
    size = -(-(len(unit) - 1) // pieces)  # equal pieces: no tiny last packet
    for start in range(1, len(unit), size):
        first = 0x80 if start == 1 else 0
        last = 0x40 if start + size >= len(unit) else 0
        yield bytes([indicator, first | last | unit_type]) + unit[start : start + size]


def _types(payload: bytes) -> Iterator[int]:
    kind = payload[0] & 0x1F
    if kind == _FU_A:
        yield payload[1] & 0x1F
    elif kind == _STAP_A:
        at = 1
        while at + 2 < len(payload):
            yield payload[at + 2] & 0x1F
            at += 2 + int.from_bytes(payload[at : at + 2], "big")
    else:
        yield kind
