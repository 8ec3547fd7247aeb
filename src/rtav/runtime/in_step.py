"""Faces on one clock: what calls that rest have in common is drawn once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from rtav.engines.base import Avatar, Moment
from rtav.media.pcm import I420, SESSION_RATE_HZ


class CommonClock:
    """Where a call's clock is on that of all calls of the process, in samples.

    Whole frames apart, so that frames of all calls are due at the same instants; half a frame from
    the true time at most.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives seconds that are the same for all calls."""
        self._now = now
        self.ahead: int | None = None
        """What to add to the call's; None until it has started."""
        self.kind: Hashable | None = None
        """`Avatar.in_step` of the last frame."""

    def start(self, at: int, *, fps: int) -> None:
        """The call's clock shows `at` now. Only the first time counts: a face never jumps."""
        if self.ahead is None:
            frame = SESSION_RATE_HZ // fps
            self.ahead = round((self._now() * SESSION_RATE_HZ - at) / frame) * frame


class InStep:
    """An avatar that is asked by a call's clock and lives on the common one. See `Avatar`."""

    def __init__(self, avatar: Avatar, clock: CommonClock) -> None:
        """`clock` must have started before the first frame."""
        self._avatar, self._clock = avatar, clock
        self._orders: list[tuple[Sequence[str], int]] = []  # until the clock starts

    def render(self, moment: Moment) -> I420:
        self._obey()
        frame = self._avatar.render(self._on_clock(moment))
        self._clock.kind = self.in_step
        return frame

    @property
    def in_step(self) -> Hashable | None:
        return self._avatar.in_step

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        self._orders.append((motions, at))
        if self._clock.ahead is not None:
            self._obey()

    def show(self, face: str) -> None:
        self._avatar.show(face)

    def _on_clock(self, moment: Moment) -> Moment:
        ahead = self._clock.ahead or 0
        pause_at = None if moment.pause_at is None else moment.pause_at + ahead
        return replace(moment, at=moment.at + ahead, pause_at=pause_at)

    def _obey(self) -> None:
        orders, self._orders = self._orders, []
        for motions, at in orders:
            self._avatar.drive(motions, at=at + (self._clock.ahead or 0))
