"""What a head does at the stresses of what it says: it beats, and raises its brows."""

from __future__ import annotations

from collections.abc import Sequence

from rtav.engines.avatar.channels import Pose, add, both, ease
from rtav.engines.base import Accent
from rtav.media.pcm import SESSION_RATE_HZ

RISE_S = 0.18  # before the middle of the vowel: the head is down when it sounds
FALL_S = 0.36
DEPTH = 2.6  # degrees of the strongest beat
BROW = 0.42  # of the strongest
SIDES = (1.0, -0.4, -1.0, 0.5)  # where a beat goes besides down, in turn


def stress(t: float, accents: Sequence[Accent]) -> Pose:
    """What the accents around `t` (seconds of the track) add to the face."""
    pose: Pose = {}
    for accent in accents:
        after_s = t - accent.at / SESSION_RATE_HZ
        if -RISE_S < after_s < FALL_S:
            add(pose, _beat(accent), weight=_shape(after_s))
    return pose


def _beat(accent: Accent) -> Pose:
    """At its peak. Strong ones raise the brows; to which side it goes depends on where it is."""
    side = SIDES[accent.at // (SESSION_RATE_HZ // 7) % len(SIDES)]
    strength = accent.strength
    brow = BROW * max(0.0, strength - 0.25)
    return {
        "headPitch": DEPTH * strength,
        "headYaw": 1.1 * strength * side,
        "headRoll": -0.7 * strength * side,
        "browInnerUp": 0.7 * brow,
        **dict.fromkeys(both("browOuterUp"), brow),
    }


def _shape(after_s: float) -> float:
    return ease(1 + after_s / RISE_S) if after_s < 0 else 1 - ease(after_s / FALL_S)
