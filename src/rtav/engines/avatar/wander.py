"""Seeded movement without a period: smooth walks between random values and single bumps."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from rtav.engines.avatar.channels import ease

SACCADE_S = 0.025  # time constant: the eyes jump, they do not glide


def branch(random: Random) -> Random:
    """A stream of its own: what one thing draws must not depend on when another one does."""
    return Random(random.getrandbits(64))


class Wander:
    """A value that glides to a new random one, rests there, and goes on. Mean 0."""

    def __init__(
        self, random: Random, *, spread: float, gap_s: tuple[float, float], glide_s: float
    ) -> None:
        """`spread` is the standard deviation (values stay within twice that), `gap_s` the least
        and greatest time between two departures, `glide_s` how long a change takes."""
        self._random = random = branch(random)
        self._spread, self._gap_s, self._glide_s = spread, gap_s, glide_s
        self._from = self._to = 0.0
        self._departs_s = random.uniform(*gap_s)
        self._next_s = self._departs_s

    def at(self, t: float) -> float:
        """The value at `t` seconds; `t` never goes back."""
        while t >= self._next_s:
            self._from, self._to = self._value(self._next_s), self._draw()
            self._departs_s = self._next_s
            self._next_s += self._random.uniform(*self._gap_s)
        return self._value(t)

    def _value(self, t: float) -> float:
        return self._from + (self._to - self._from) * ease((t - self._departs_s) / self._glide_s)

    def _draw(self) -> float:
        limit = 2 * self._spread
        return min(limit, max(-limit, self._random.gauss(0.0, self._spread)))


class Bumps:
    """Now and then a bump from 0 up and back, of random height, with random gaps."""

    def __init__(
        self,
        gap: Callable[[], float],
        height: Callable[[], float],
        *,
        shape: Callable[[float], float],
        first_s: float,
    ) -> None:
        """`gap` draws the time from one bump's start to the next, `height` its height;
        `shape` gives the bump from its start, in seconds, 0 once it is over."""
        self._gap, self._height, self._shape = gap, height, shape
        self._start_s = first_s
        self._size = height()
        self._next_s = first_s + gap()

    def at(self, t: float) -> float:
        """The value at `t` seconds; `t` never goes back."""
        while t >= self._next_s:
            self._start_s, self._size = self._next_s, self._height()
            self._next_s += self._gap()
        return self._size * self._shape(t - self._start_s) if t >= self._start_s else 0.0

    def ask(self, t: float) -> None:
        """Begin one now, unless one began or is due within 0.35 s."""
        if abs(t - self._start_s) > 0.35 and self._next_s - t > 0.35:
            self._start_s, self._size = t, self._height()


class Saccades:
    """Jumps from point to point, with a rest at each."""

    def __init__(
        self, draw: Callable[[float], tuple[tuple[float, float], float]], *, first_s: float
    ) -> None:
        """`draw` gives where the jump at this time goes and how long it rests there."""
        self._draw = draw
        self.target = (0.0, 0.0)
        self._from = (0.0, 0.0)
        self._since_s = 0.0
        self._next_s = first_s

    def at(self, t: float) -> tuple[float, float]:
        """Where it is at `t` seconds, which never goes back."""
        while t >= self._next_s:
            start_s = self._next_s
            target, rest_s = self._draw(start_s)
            self._from = self._where(start_s)
            self.target, self._since_s, self._next_s = target, start_s, start_s + rest_s
        return self._where(t)

    def _where(self, t: float) -> tuple[float, float]:
        left = math.exp(-(t - self._since_s) / SACCADE_S)
        (x0, y0), (x1, y1) = self._from, self.target
        return x1 + (x0 - x1) * left, y1 + (y0 - y1) * left
