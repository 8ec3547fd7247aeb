"""What faces do of their own accord: moods and signs of life, for one face or for all in step."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from rtav.engines.avatar.behaviour import Manners
from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.life import Life, Signs
from rtav.engines.base import Mood

KEPT = 16  # instants: clocks in step differ by a frame, and frames are late by a few
UNSEEN_S = 60.0  # a longer time in which nobody was shown is left out: reliving it would take long


@dataclass(frozen=True, slots=True)
class Instant:
    t: float
    moods: Mapping[Mood, Pose]
    signs: Signs
    beat: Pose
    """A stress at no word in particular, for speakers that share a head."""


class Nature:
    """One may be shared: faces that are asked for the same instant then do the same.

    Not thread-safe: for the render thread.
    """

    def __init__(self, random: Random) -> None:
        self._manners = Manners(random)
        self._life = Life(random)
        self._left_out_s = 0.0
        self._kept: deque[Instant] = deque(maxlen=KEPT)

    def at(self, t: float) -> Instant:
        """What goes on at `t` seconds. Some instants back are remembered; who asks for an earlier
        one gets the oldest that is."""
        for instant in reversed(self._kept):
            if instant.t == t:
                return instant
        if self._kept and t < self._kept[-1].t:
            return next((i for i in reversed(self._kept) if i.t < t), self._kept[0])
        gap_s = t - (self._kept[-1].t if self._kept else 0.0)
        if gap_s > UNSEEN_S:
            self._left_out_s += gap_s
        lived_s = t - self._left_out_s
        instant = Instant(
            t, self._manners.at(lived_s), self._life.at(lived_s), self._manners.beat(lived_s)
        )
        self._kept.append(instant)
        return instant
