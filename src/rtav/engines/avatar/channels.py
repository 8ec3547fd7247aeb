"""The channels a face is moved by: their names, ranges and how poses are combined.

Names are ARKit's where ARKit has one; Left and Right are the subject's. Expressions run from 0 to
1; `head*` angles and `gaze*` are in degrees (yaw and gaze positive towards the viewer's right,
pitch positive downwards, gazeY positive upwards), `headX/Y/Z` in head units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Pose = dict[str, float]
"""Channel to value; a channel that is absent is 0."""

SIDES = ("Left", "Right")


def both(name: str) -> tuple[str, str]:
    """The two sided channels of `name`."""
    return name + "Left", name + "Right"


_UNIT = (0.0, 1.0)

RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(
        (
            "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretch",
            *both("mouthSmile"), *both("mouthFrown"), *both("mouthUpperUp"),
            *both("mouthLowerDown"), "mouthRollUpper", "mouthRollLower", "cheekPuff",
            *both("cheekSquint"), "noseSneer", "browInnerUp", *both("browDown"),
            *both("browOuterUp"), *both("eyeBlink"), *both("eyeSquint"), *both("eyeWide"),
            "tongueUp", "tongueOut",
        ),
        _UNIT,
    ),
    "jawLeft": (-1.0, 1.0),
    "breath": (-1.0, 1.0),
    "gazeX": (-25.0, 25.0),
    "gazeY": (-18.0, 18.0),
    # beyond these the head's layers show their edges
    "headYaw": (-15.0, 15.0),
    "headPitch": (-12.0, 12.0),
    "headRoll": (-12.0, 12.0),
    "headX": (-0.25, 0.25),
    "headY": (-0.25, 0.25),
    "headZ": (-0.5, 0.5),
}  # fmt: skip
"""Every channel and the values it may take."""


def clamp(pose: Mapping[str, float]) -> Pose:
    """`pose` with every known channel held inside its range; unknown channels are dropped."""
    held: Pose = {}
    for name, value in pose.items():
        limits = RANGES.get(name)
        if limits is not None:
            held[name] = min(max(value, limits[0]), limits[1])
    return held


def add(pose: Pose, change: Mapping[str, float], *, weight: float = 1.0) -> None:
    """Add `weight` times `change` to `pose`, in place."""
    for name, value in change.items():
        pose[name] = pose.get(name, 0.0) + weight * value


def scale(pose: Pose, names: Iterable[str], factor: float) -> None:
    """Multiply the named channels of `pose`, in place."""
    for name in names:
        if name in pose:
            pose[name] *= factor


def ease(x: float) -> float:
    """0 below 0, 1 above 1, and an S-curve without corners between them."""
    x = min(1.0, max(0.0, x))
    return x * x * (3.0 - 2.0 * x)
