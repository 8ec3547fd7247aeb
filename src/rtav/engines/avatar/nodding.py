"""A listener's nods: small, and in the caller's pauses."""

from __future__ import annotations

from rtav.engines.avatar.behaviour import nod
from rtav.engines.avatar.channels import Pose
from rtav.engines.base import Moment
from rtav.media.pcm import SESSION_RATE_HZ

NOD_S = 0.9  # all of it
REST_S = 2.2  # from one to the next at least: who nods at every breath wants the word
DEPTHS = (3.4, 2.3, 2.9, 1.8, 3.8)  # degrees, in turn
LONGEST_DELAY_S = 0.3  # a pause that is older when it is seen is none to nod in


class Nods:
    """Of one face."""

    def __init__(self) -> None:
        self._pause_at: int | None = None
        self._start_s = -REST_S
        self._count = 0

    def shows(self, t: float) -> bool:
        """Whether one is seen at `t` seconds."""
        return 0.0 <= t - self._start_s < NOD_S

    def pose(self, t: float, moment: Moment) -> Pose:
        """What to add to the face at `t` seconds, the moment's, which never goes back."""
        if moment.pause_at != self._pause_at:
            self._pause_at = moment.pause_at
            if moment.pause_at is not None:
                self._begin(t, late_s=t - moment.pause_at / SESSION_RATE_HZ)
        if not self.shows(t):
            return {}
        depth = nod(t - self._start_s) * DEPTHS[self._count % len(DEPTHS)]
        return {"headPitch": depth, "browInnerUp": 0.03 * depth}

    def _begin(self, t: float, *, late_s: float) -> None:
        if late_s <= LONGEST_DELAY_S and t - self._start_s >= REST_S:
            self._start_s = t
            self._count += 1
