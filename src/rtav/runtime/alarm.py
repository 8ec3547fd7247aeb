"""Wakes a call when its session wants to be told of the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """One time at most, on the loop's clock. Its methods belong to the loop and return at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop, self._ring = loop, ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: float | None) -> None:
        """Ring then and at no other time; None: not at all."""
        if self._timer is not None:
            if self._timer.when() == due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self._loop.call_at(due, self._rings)

    def _rings(self) -> None:
        self._timer = None
        self._ring()
