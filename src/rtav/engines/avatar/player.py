"""Plays sequences of motions, with transitions that continue value and speed from any pose."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.motion import Motion

SETTLED = 4.6  # e^-4.6 = 1 %: what is left of an offset after the blend's time
GONE = 14.0  # e^-14: nothing is left of it any more
NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Offset:
    """The distance from a motion to where the face was; it decays critically damped."""

    is_common: bool
    """It comes from the motion's going round: all who play it have it."""

    since_s: float
    sharpness: float
    """Per second; the offset is gone after about `SETTLED / sharpness` seconds."""
    values: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)

    def is_gone(self, t: float) -> bool:
        return not self.values or self.sharpness * (t - self.since_s) > GONE

    def at(self, t: float) -> tuple[Pose, Pose]:
        """What is left of the offset at `t`, and its rate of change per second."""
        if self.is_gone(t):
            return {}, {}
        dt, w = t - self.since_s, self.sharpness
        fade = math.exp(-w * dt)
        values: Pose = {}
        rates: Pose = {}
        for name, value in self.values.items():
            drift = self.rates[name] + w * value
            values[name] = (value + drift * dt) * fade
            rates[name] = (drift - w * (value + drift * dt)) * fade
        return values, rates


class Player:
    """Where one face is in its driving motions. Times are seconds on the call's clock.

    Switches happen at their exact times whenever they are looked at, so that the pose at an
    instant does not depend on which earlier instants were asked for. A seamless motion that is
    looped has no beginning: it is entered where the clock has it, so that faces on one clock are
    in step. Whatever is played once, or is not seamless, begins at its beginning.
    """

    def __init__(self, motion: Motion, *, at_s: float = 0.0) -> None:
        """Loop `motion` from `at_s` on."""
        self._motion = motion
        self._start_s = _begun(motion, at_s)
        self._queue: deque[Motion] = deque()
        self._offset = Offset(is_common=True, since_s=at_s, sharpness=1.0)
        self._orders: deque[tuple[float, tuple[Motion, ...]]] = deque()

    @property
    def motion(self) -> Motion:
        """The one that plays at the latest instant asked for."""
        return self._motion

    def is_in_step(self, t: float) -> bool:
        """Whether at `t`, the latest instant asked for, all who play this motion look alike."""
        if not self._motion.loops or self._queue:
            return False
        is_on_clock = self._start_s == _begun(self._motion, self._start_s)
        return is_on_clock and (self._offset.is_common or self._offset.is_gone(t))

    def drive(self, motions: Sequence[Motion], *, at_s: float) -> None:
        """From `at_s` on play all but the last once each, in order, then loop the last.

        Replaces everything ordered for `at_s` and later. Looping what loops already changes
        nothing. `motions` must not be empty.
        """
        if not motions:
            raise ValueError("a sequence of motions must not be empty")
        while self._orders and self._orders[-1][0] >= at_s:
            self._orders.pop()
        self._orders.append((at_s, tuple(motions)))

    def pose(self, t: float) -> Pose:
        """The pose at `t`, which must not be before an instant asked for earlier."""
        while self._orders and self._orders[0][0] <= t:
            at_s, motions = self._orders.popleft()
            self._advance(at_s)
            self._begin(motions, max(at_s, self._start_s))
        self._advance(t)
        return self._state(t)[0]

    def _begin(self, motions: tuple[Motion, ...], t: float) -> None:
        if len(motions) == 1 and not self._queue and motions[0] is self._motion:
            return
        self._queue = deque(motions[1:])
        self._switch(motions[0], t)

    def _advance(self, t: float) -> None:
        """Pass every end of a clip up to `t`."""
        if self._motion.loops and not self._queue:
            before_last = _begun(self._motion, t) - self._motion.duration_s
            self._start_s = max(self._start_s, before_last)
        while t >= self._start_s + self._motion.duration_s:
            following = self._queue.popleft() if self._queue else self._motion
            self._switch(following, self._start_s + self._motion.duration_s)

    def _switch(self, motion: Motion, t: float) -> None:
        was, was_rates = self._state(t)
        start_s = t if self._queue else _begun(motion, t)
        new, new_rates = motion.at(t - start_s)
        values = {n: was.get(n, 0.0) - new.get(n, 0.0) for n in was.keys() | new.keys()}
        rates = {n: was_rates.get(n, 0.0) - new_rates.get(n, 0.0) for n in values}
        if max(map(abs, (*values.values(), *rates.values())), default=0.0) < NOTHING:
            values, rates = {}, {}  # a loop that closes
        goes_round = motion is self._motion and self.is_in_step(t)
        self._offset = Offset(goes_round, t, SETTLED / motion.blend_in_s, values, rates)
        self._motion, self._start_s = motion, start_s

    def _state(self, t: float) -> tuple[Pose, Pose]:
        values, rates = self._motion.at(t - self._start_s)
        left, left_rates = self._offset.at(t)
        for name, value in left.items():
            values[name] = values.get(name, 0.0) + value
            rates[name] = rates.get(name, 0.0) + left_rates[name]
        return values, rates


def _begun(motion: Motion, t: float) -> float:
    """When a pass of `motion` began that is looped and entered at `t`."""
    if not motion.loops:
        return t
    return math.floor(t / motion.duration_s + NOTHING) * motion.duration_s
