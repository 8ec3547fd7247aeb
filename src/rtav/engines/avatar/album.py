"""Pictures that are shown again: to faces in step, and with another mouth or other eyes."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from rtav.engines.avatar.channels import RANGES, Pose
from rtav.engines.avatar.lips import MOUTH
from rtav.engines.avatar.paint import U8, Rect
from rtav.engines.avatar.steadiness import EYES, Bearing
from rtav.media.pcm import I420

KEPT_HEADS = 4  # 0.8 MB each at 512 px
FEW = 3  # speakers that may each have a head of their own: more would take the time of a core
AMONG_S = 1.0  # since somebody was heard who still counts: a breath is no leaving
KEPT = 16  # pictures, 0.4 MB each at 512 px: those in step ask within a few frames, in a few moods


@dataclass(frozen=True, slots=True)
class Patch:
    """What is needed to draw a part of a picture otherwise."""

    region: Rect
    """Even pixels."""
    under: U8
    """What lies behind the mouth's head, or the eyes, there."""
    front: list[tuple[Rect, U8]]
    """What lies in front of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A face that was drawn whole. Never changed: it may be on its way to many."""

    frame: I420
    pose: Pose
    bearing: Bearing
    mouth: Patch | None
    """What the mouth moves, below the eyes; whole cells."""
    eyes: Patch | None

    def with_apertures(self, pose: Pose) -> Pose:
        """This head's pose with the mouth and the eyes of `pose`."""
        return self.pose | {name: pose.get(name, 0.0) for name in _APERTURES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A picture and what is in it. Never changed."""

    frame: I420
    bearing: Bearing
    head: Head
    """The one it was drawn from."""


class Company:
    """Who speaks with one face at the time."""

    def __init__(self) -> None:
        self._heard_s: dict[int, float] = {}

    def is_crowd(self, who: object, t: float) -> bool:
        """`who` speaks at `t`, in seconds of the clock they share: whether more than FEW do."""
        self._heard_s[id(who)] = t
        if len(self._heard_s) > FEW:
            heard = self._heard_s.items()
            self._heard_s = {key: s for key, s in heard if abs(t - s) < AMONG_S}
        return len(self._heard_s) > FEW


class Album:
    """Of one face at one size. Not thread-safe: for the render thread."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[tuple[float, ...], Drawn] = OrderedDict()
        self.company = Company()
        self.heads: deque[Head] = deque(maxlen=KEPT_HEADS)
        """The last ones that speak, the newest first."""

    def find(self, pose: Pose) -> Drawn | None:
        """What was shown for exactly this pose, a moment ago."""
        return self._pictures.get(_key(pose))

    def keep(self, pose: Pose, drawn: Drawn) -> None:
        self._pictures[_key(pose)] = drawn
        if len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)


_ALL = tuple(RANGES)
_APERTURES = (*MOUTH, *EYES)


def _key(pose: Pose) -> tuple[float, ...]:
    return tuple([pose.get(name, 0.0) for name in _ALL])
