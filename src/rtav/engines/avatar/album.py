"""The pictures that faces in step share: drawn for the first that asks, shown to all."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.channels import RANGES, Pose
from rtav.media.pcm import I420

KEPT = 16  # pictures, 0.4 MB each at 512 px: those in step ask within a few frames, in a few moods


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A picture and what was in it. Never changed: it may be on its way to many."""

    frame: I420
    points: F32
    """(2, n): where every point of the face is."""
    breath: float


class Album:
    """Of one face at one size. Not thread-safe: for the render thread."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[tuple[float, ...], Drawn] = OrderedDict()

    def find(self, pose: Pose) -> Drawn | None:
        """What was shown for exactly this pose, a moment ago."""
        return self._pictures.get(_key(pose))

    def keep(self, pose: Pose, drawn: Drawn) -> None:
        self._pictures[_key(pose)] = drawn
        if len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)


def _key(pose: Pose) -> tuple[float, ...]:
    return tuple([pose.get(name, 0.0) for name in RANGES])
