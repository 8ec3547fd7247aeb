"""From visemes to mouth shapes: neighbours blend, closures close, silence shuts the mouth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rtav.engines.avatar.channels import Pose, add, both, ease, scale
from rtav.engines.base import Viseme

LEAD_S = 0.02  # the mouth shapes a sound a little before it is heard
REACH_S = 0.08  # how far from any sound the mouth is still open: shut within 80 ms of silence
SPREAD_S = 0.06  # how far a shape reaches into its neighbours
SHARP_SPREAD_S = 0.045  # the same for shapes that need contact: lip to lip, teeth to lip
CORE = 0.6  # the middle part of a viseme in which it dominates undiminished
CONTACT_FADE_S = 0.045  # from open to contact and back
HELD_S = 0.04  # of contact at least: a frame at 25 fps falls into every closure
HELD_BEFORE = 0.7  # of what a short one is lengthened by lies before it: lips meet, then it sounds

SHAPES: Mapping[str, Mapping[str, float]] = {
    "sil": {},
    "PP": {"jawOpen": 0.03, "mouthClose": 0.9, "mouthPucker": 0.12, "mouthRollLower": 0.35},
    "FF": {
        "jawOpen": 0.08, "mouthStretch": 0.1, "mouthUpperUp": 0.45, "mouthRollLower": 0.8,
    },
    "TH": {
        "jawOpen": 0.17, "mouthStretch": 0.1, "mouthUpperUp": 0.2, "mouthLowerDown": 0.3,
        "tongueUp": 0.3, "tongueOut": 0.9,
    },
    "DD": {
        "jawOpen": 0.15, "mouthFunnel": 0.02, "mouthStretch": 0.15, "mouthUpperUp": 0.12,
        "mouthLowerDown": 0.3, "tongueUp": 0.9,
    },
    "kk": {
        "jawOpen": 0.2, "mouthFunnel": 0.02, "mouthStretch": 0.12, "mouthUpperUp": 0.1,
        "mouthLowerDown": 0.2, "tongueUp": 0.1,
    },
    "CH": {
        "jawOpen": 0.1, "mouthFunnel": 0.7, "mouthPucker": 0.1, "mouthUpperUp": 0.2,
        "mouthLowerDown": 0.2, "tongueUp": 0.3,
    },
    "SS": {
        "jawOpen": 0.06, "mouthFunnel": 0.02, "mouthStretch": 0.35, "mouthUpperUp": 0.25,
        "mouthLowerDown": 0.5, "tongueUp": 0.3,
    },
    "nn": {
        "jawOpen": 0.15, "mouthStretch": 0.1, "mouthUpperUp": 0.1, "mouthLowerDown": 0.2,
        "tongueUp": 1.0,
    },
    "RR": {
        "jawOpen": 0.16, "mouthFunnel": 0.4, "mouthPucker": 0.3, "mouthUpperUp": 0.05,
        "mouthLowerDown": 0.1, "tongueUp": 0.3,
    },
    "aa": {
        "jawOpen": 0.62, "mouthFunnel": 0.04, "mouthStretch": 0.1, "mouthUpperUp": 0.18,
        "mouthLowerDown": 0.25,
    },
    "E": {
        "jawOpen": 0.36, "mouthStretch": 0.28, "mouthUpperUp": 0.18, "mouthLowerDown": 0.25,
        "tongueUp": 0.2,
    },
    "I": {
        "jawOpen": 0.17, "mouthStretch": 0.55, "mouthUpperUp": 0.2, "mouthLowerDown": 0.35,
        "tongueUp": 0.4,
    },
    "O": {
        "jawOpen": 0.4, "mouthFunnel": 0.5, "mouthPucker": 0.5, "mouthLowerDown": 0.05,
    },
    "U": {"jawOpen": 0.14, "mouthFunnel": 0.3, "mouthPucker": 0.95},
}  # fmt: skip
"""The mouth at the middle of each viseme; `mouthUpperUp` and `mouthLowerDown` mean both sides."""

DOMINANCE: Mapping[str, float] = {"PP": 3.0, "FF": 2.4, "U": 1.6, "O": 1.4, "CH": 1.4, "sil": 0.8}
"""How strongly a shape insists against its neighbours; 1 if not named."""

ROUNDNESS = ("mouthFunnel", "mouthPucker", "mouthStretch")
"""Channels of which consonants leave the choice to the vowels around them."""

ROUNDNESS_DOMINANCE: Mapping[str, float] = {
    **dict.fromkeys(("TH", "DD", "kk", "nn", "SS", "PP", "FF", "sil"), 0.3), "U": 1.6, "O": 1.4,
    "CH": 1.4,
}  # fmt: skip
"""The same for `ROUNDNESS`."""

ROUNDS = frozenset(("U", "O", "CH"))
ROUND_AHEAD_S = 0.11  # how far rounding reaches ahead: the lips of "stew" are round for the s

MOUTH = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthRollLower",
    "tongueUp", "tongueOut", *both("mouthUpperUp"), *both("mouthLowerDown"),
)  # fmt: skip
"""The channels that speech moves."""

PARTING = (
    "jawOpen", "mouthFunnel", "mouthStretch", *both("mouthUpperUp"), *both("mouthLowerDown")
)  # fmt: skip
"""The channels that part the lips."""


def mouth(t: float, visemes: Sequence[Viseme], *, rate_hz: int) -> Pose:
    """The mouth at `t` seconds of a track; empty where the track is silent.

    `visemes` are in order, in samples at `rate_hz`; what lies farther than 0.3 s away is ignored.
    Stretches that no viseme covers are silence.
    """
    t += LEAD_S
    near = [
        (v.name, v.start / rate_hz, v.end / rate_hz)
        for v in visemes
        if v.name in SHAPES and v.start / rate_hz < t + 0.3 and v.end / rate_hz > t - 0.3
    ]
    sounds = [(name, start, end) for name, start, end in near if name != "sil"]
    if not sounds:
        return {}
    distance = min(_outside(t, start, end) for _, start, end in sounds)
    openness = ease(1.0 - distance / REACH_S)
    if openness == 0.0:
        return {}
    pose = _two_sided(_blend(t, near))
    _approach(pose, _TEETH_ON_LIP, _contact(t, sounds, "FF"))
    scale(pose, pose.keys(), openness)
    _close(pose, _contact(t, sounds, "PP"))
    return pose


_Sound = tuple[str, float, float]
"""A viseme, its start and its end in seconds."""


def _blend(t: float, near: Sequence[_Sound]) -> Pose:
    pose: Pose = {}
    total = total_round = 0.0
    for name, start, end in near:
        margin = (end - start) * (1 - CORE) / 2
        core = start + margin, end - margin
        spread = SHARP_SPREAD_S if name in _CONTACTS else SPREAD_S
        weight = DOMINANCE.get(name, 1.0) * _reach(_outside(t, *core) / spread)
        if t < core[0] and name in ROUNDS:
            spread = ROUND_AHEAD_S
        reach = _reach(_outside(t, *core) / spread)
        weight_round = ROUNDNESS_DOMINANCE.get(name, 1.0) * reach
        total += weight
        total_round += weight_round
        for channel, value in SHAPES[name].items():
            share = weight_round if channel in ROUNDNESS else weight
            pose[channel] = pose.get(channel, 0.0) + share * value
    for channel in pose:
        pose[channel] /= max(total_round if channel in ROUNDNESS else total, 1e-6)
    return pose


def _reach(away: float) -> float:
    return math.exp(-(away**1.3))


def _two_sided(pose: Pose) -> Pose:
    for name in ("mouthUpperUp", "mouthLowerDown"):
        value = pose.pop(name, 0.0)
        for side in both(name):
            pose[side] = value
    return pose


_CONTACTS = ("PP", "FF")
_TEETH_ON_LIP = _two_sided(dict(SHAPES["FF"]))


def _contact(t: float, sounds: Sequence[_Sound], name: str) -> float:
    """1 inside a sound of this name, 0 away from all of them."""
    away = (_outside(t, *_held(start, end)) for sound, start, end in sounds if sound == name)
    return ease(1.0 - min(away, default=1.0) / CONTACT_FADE_S)


def _held(start: float, end: float) -> tuple[float, float]:
    short = max(0.0, HELD_S - (end - start))
    return start - HELD_BEFORE * short, end + (1 - HELD_BEFORE) * short


def _approach(pose: Pose, shape: Mapping[str, float], share: float) -> None:
    """Blending with open neighbours alone leaves little of a contact in fast speech. A round vowel
    next to it is heard coming, and seen."""
    if share > 0.0:
        scale(pose, pose.keys() - {"mouthPucker"}, 1.0 - share)
        add(pose, shape, weight=share)


def _close(pose: Pose, contact: float) -> None:
    """Bring the lips together: blending with open neighbours alone leaves a gap in fast speech."""
    pose["mouthClose"] = max(pose.get("mouthClose", 0.0), 0.9 * contact)
    scale(pose, PARTING, 1.0 - contact)
    scale(pose, ("jawOpen",), 1.0 - pose["mouthClose"])


def _outside(t: float, start: float, end: float) -> float:
    """Distance from `t` to the interval, 0 inside."""
    return max(start - t, t - end, 0.0)
