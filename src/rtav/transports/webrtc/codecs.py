"""Chooses the codecs of an offered section that are answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Attributes = Sequence[tuple[str, str]]

FEEDBACK = ("nack", "nack pli", "goog-remb")
"""The RTCP feedback that our sender acts on, as `a=rtcp-fb` spells it."""

UNLIMITED_PIXELS = 1 << 30

# Largest frame of each H.264 level in macroblocks (H.264, table A-1), by level_idc. Level 3.1 is
# the highest that is answered, so everything above counts as that.
_MACROBLOCKS = {10: 99, 11: 396, 12: 396, 13: 396, 20: 396, 21: 792, 22: 1620, 30: 1620}
_MACROBLOCKS_31 = 3600
# The same per second, of the same levels.
_RATES = {
    10: 1485, 11: 3000, 12: 6000, 13: 11880, 20: 11880, 21: 19800, 22: 20250, 30: 40500,
}  # fmt: skip
_RATE_31 = 108_000
_PIXELS_PER_MACROBLOCK = 256

_RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9\-]+)/([0-9]{1,6})(?:/([0-9]))?", re.ASCII)
_PROFILE = re.compile(r"42[0-9a-f]0[0-9a-f]{2}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One codec as the client numbered it."""

    name: Literal["opus", "h264", "vp8"]
    payload_type: int
    rtx_payload_type: int | None = None
    """How the client wants retransmissions (RFC 4588); None: not at all, or as they were."""
    fmtp: str = ""
    feedback: tuple[str, ...] = ()
    max_pixels: int = UNLIMITED_PIXELS
    """Width times height of the largest frame that may be sent."""
    max_pixel_rate: int = UNLIMITED_PIXELS
    """The same, times frames per second."""

    @property
    def rtpmap(self) -> str:
        return {"opus": "opus/48000/2", "h264": "H264/90000", "vp8": "VP8/90000"}[self.name]


def choose_audio(formats: Iterable[str], attributes: Attributes) -> Codec | None:
    """Opus, or None if it is not offered."""
    for payload_type, (name, rate, channels) in _offered(formats, attributes):
        if (name, rate, channels) == ("opus", 48_000, "2"):
            return Codec(name="opus", payload_type=payload_type)
    return None


def choose_video(formats: Iterable[str], attributes: Attributes, wanted: str | None) -> list[Codec]:
    """H.264 and VP8, as far as they are offered: `wanted` ("h264" or "vp8") first, else in the
    order of the offer.

    H.264 means baseline with packetization mode 1, and constrained baseline where both are
    offered: what is sent is constrained, and Safari shows nothing if the label says otherwise.
    """
    usable: list[Codec] = []
    for payload_type, (name, rate, _) in _offered(formats, attributes):
        if rate == 90_000 and name in ("h264", "vp8"):
            codec = _video(payload_type, name == "h264", attributes)
            usable += [codec] if codec else []
    names = sorted(dict.fromkeys(codec.name for codec in usable), key=lambda name: name != wanted)
    return [_best([codec for codec in usable if codec.name == name]) for name in names]


def _best(same: list[Codec]) -> Codec:
    return next((codec for codec in same if _is_constrained(codec)), same[0])


def _offered(
    formats: Iterable[str], attributes: Attributes
) -> list[tuple[int, tuple[str, int, str]]]:
    """Payload type and (name, clock rate in Hz, channels), in the client's order of preference."""
    known: dict[int, tuple[str, int, str]] = {}
    for key, value in attributes:
        match = _RTPMAP.fullmatch(value) if key == "rtpmap" else None
        if match:
            known[int(match[1])] = (match[2].lower(), int(match[3]), match[4] or "1")
    numbers = [int(text) for text in formats if re.fullmatch(r"[0-9]{1,3}", text, re.ASCII)]
    return [(number, known[number]) for number in numbers if number in known and _is_rtp(number)]


def _is_rtp(payload_type: int) -> bool:
    """False for numbers that collide with RTCP where both share a port (RFC 5761)."""
    return 0 <= payload_type < 64 or 96 <= payload_type < 128


def _video(payload_type: int, is_h264: bool, attributes: Attributes) -> Codec | None:
    feedback = tuple(kind for kind in FEEDBACK if _has_feedback(payload_type, kind, attributes))
    rtx = _retransmission(payload_type, attributes)
    if not is_h264:
        return Codec(name="vp8", payload_type=payload_type, rtx_payload_type=rtx, feedback=feedback)
    parameters = _parameters(payload_type, attributes)
    profile = parameters.get("profile-level-id", "42e01f").lower()
    if parameters.get("packetization-mode") != "1" or not _PROFILE.fullmatch(profile):
        return None
    asymmetric = "level-asymmetry-allowed=1;"
    level = int(profile[4:], 16)
    answered = profile if level in _MACROBLOCKS else profile[:4] + "1f"
    return Codec(
        name="h264",
        payload_type=payload_type,
        rtx_payload_type=rtx,
        fmtp=f"{asymmetric}packetization-mode=1;profile-level-id={answered}",
        feedback=feedback,
        max_pixels=_MACROBLOCKS.get(level, _MACROBLOCKS_31) * _PIXELS_PER_MACROBLOCK,
        max_pixel_rate=_RATES.get(level, _RATE_31) * _PIXELS_PER_MACROBLOCK,
    )


def _is_constrained(codec: Codec) -> bool:
    """True for H.264 constrained baseline: constraint_set1 is set."""
    profile = codec.fmtp.rpartition("profile-level-id=")[2]
    return bool(profile) and bool(int(profile[2:4], 16) & 0x40)


def _retransmission(payload_type: int, attributes: Attributes) -> int | None:
    for number, name in ((m[1], m[2]) for k, v in attributes if (m := _rtpmap(k, v))):
        parameters = _parameters(int(number), attributes)
        if name.lower() == "rtx" and parameters.get("apt") == str(payload_type):
            return int(number) if _is_rtp(int(number)) else None
    return None


def _rtpmap(key: str, value: str) -> re.Match[str] | None:
    return _RTPMAP.fullmatch(value) if key == "rtpmap" else None


def _parameters(payload_type: int, attributes: Attributes) -> dict[str, str]:
    prefix = f"{payload_type} "
    for key, value in attributes:
        if key == "fmtp" and value.startswith(prefix):
            pairs = (item.strip().partition("=") for item in value[len(prefix) :].split(";"))
            return {name.lower(): text for name, _, text in pairs}
    return {}


def _has_feedback(payload_type: int, kind: str, attributes: Attributes) -> bool:
    wanted = (f"{payload_type} {kind}", f"* {kind}")
    return any(key == "rtcp-fb" and value in wanted for key, value in attributes)
