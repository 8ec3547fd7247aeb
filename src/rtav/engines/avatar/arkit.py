"""A pose in ARKit's words, for applications that draw a face themselves."""

from __future__ import annotations

from collections.abc import Mapping

from rtav.engines.avatar.channels import SIDES, both
from rtav.engines.base import BLENDSHAPES, Expression

FULL_LOOK = 35.0  # degrees that ARKit's eyes turn at 1
LEAST = 0.0005  # less is not told

_SPLIT = {
    "mouthStretch": both("mouthStretch"),
    "noseSneer": both("noseSneer"),
}
"""What one channel of ours moves, and two of ARKit's."""


def expression(pose: Mapping[str, float]) -> Expression:
    """`pose` is complete: speech, motion, mood and signs of life."""
    shapes = {name: pose[name] for name in BLENDSHAPES if name in pose}
    for name, parts in _SPLIT.items():
        shapes |= dict.fromkeys(parts, pose.get(name, 0.0))
    jaw = pose.get("jawLeft", 0.0)  # negative: to the right
    shapes |= {"jawLeft": jaw, "jawRight": -jaw}
    shapes |= _look(pose.get("gazeX", 0.0), pose.get("gazeY", 0.0))
    told = {name: min(round(value, 3), 1.0) for name, value in shapes.items() if value > LEAST}
    head = tuple(round(pose.get(f"head{axis}", 0.0), 2) for axis in ("Yaw", "Pitch", "Roll"))
    return Expression(blendshapes=told, head=(head[0], head[1], head[2]))


def _look(x: float, y: float) -> dict[str, float]:
    """Degrees, to the viewer's right and upwards; ARKit's In is towards the nose, and Left the
    subject's, which is the viewer's right."""
    looks: dict[str, float] = {}
    for side in SIDES:
        outwards = x if side == "Left" else -x
        for name, degrees in (("Out", outwards), ("In", -outwards), ("Up", y), ("Down", -y)):
            looks[f"eyeLook{name}{side}"] = max(0.0, degrees) / FULL_LOOK
    return looks
