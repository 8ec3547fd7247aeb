"""What faces in step share: drawn for the first that asks, shown to all."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from rtav.engines.avatar.camera import F32
from rtav.engines.avatar.channels import RANGES, Pose
from rtav.engines.avatar.lips import MOUTH
from rtav.engines.avatar.paint import U8, Rect
from rtav.media.pcm import I420

SEVERAL_FRAMES = 8  # so long after one speaker came behind another, heads are kept
KEPT_HEADS = 4  # 0.8 MB each at 512 px
KEPT = 16  # pictures, 0.4 MB each at 512 px: those in step ask within a few frames, in a few moods


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A picture and what was in it. Never changed: it may be on its way to many."""

    frame: I420
    points: F32
    """(2, n): where every point of the face is."""
    breath: float


@dataclass(frozen=True, slots=True)
class Head:
    """What is needed to give a picture another mouth."""

    frame: I420
    """The picture."""
    region: Rect
    """What the mouth moves, below the eyes; whole cells."""
    under: U8
    """What lies behind the head there."""
    front: list[tuple[Rect, U8]]
    """What lies in front of it."""


class Speakers:
    """Whether heads are worth keeping: only if somebody else speaks with the same face."""

    def __init__(self) -> None:
        self._last: object = None
        self._several = 0

    def speaks(self, who: object) -> bool:
        """`who` draws a speaking face now; True if others have lately."""
        self._several = self._several - 1 if who is self._last else SEVERAL_FRAMES
        self._last = who
        return self._several > 0


class Album:
    """Of one face at one size. Not thread-safe: for the render thread."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[tuple[float, ...], Drawn] = OrderedDict()
        self._heads: OrderedDict[tuple[float, ...], Head] = OrderedDict()
        self.speakers = Speakers()

    def find(self, pose: Pose) -> Drawn | None:
        """What was shown for exactly this pose, a moment ago."""
        return self._pictures.get(_key(pose))

    def keep(self, pose: Pose, drawn: Drawn) -> None:
        self._pictures[_key(pose)] = drawn
        if len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)

    def find_head(self, pose: Pose) -> Head | None:
        """What was drawn for this pose but for the mouth, a moment ago."""
        return self._heads.get(_key(pose, _STILL))

    def keep_head(self, pose: Pose, head: Head) -> None:
        self._heads[_key(pose, _STILL)] = head
        if len(self._heads) > KEPT_HEADS:
            self._heads.popitem(last=False)


_ALL = tuple(RANGES)
_STILL = tuple(name for name in RANGES if name not in MOUTH)
"""The channels that speech leaves alone."""


def _key(pose: Pose, names: tuple[str, ...] = _ALL) -> tuple[float, ...]:
    return tuple([pose.get(name, 0.0) for name in names])
