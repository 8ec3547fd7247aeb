"""How much each key may have: calls at once, calls a minute."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rtav.clock import Clock
from rtav.errors import RateLimited
from rtav.server.keys import Key

MINUTE_S = 60.0
BUSY_RETRY_S = 5  # nobody knows when a call will end


class Allowance:
    """Counts calls and waiting sessions of each key that has limits. One event loop only."""

    def __init__(self, *, active_of: Callable[[str], int], now: Clock) -> None:
        """`active_of` gives a key's sessions by the key's id."""
        self._active_of = active_of
        self._now = now
        self._pending: dict[str, int] = {}
        self._opened: dict[str, deque[float]] = {}

    @contextmanager
    def place(self, key: Key, *, is_new: bool = True) -> Iterator[None]:
        """Hold a place of this key until its call exists or has failed. Raises RateLimited.

        `is_new` is false for a call that joins a session: that was counted when it was made.
        """
        self._check_calls(key)
        if is_new:
            self._count_opening(key)
        self._pending[key.id] = self._pending.get(key.id, 0) + 1
        try:
            yield
        finally:
            self._pending[key.id] -= 1
            if not self._pending[key.id]:
                del self._pending[key.id]

    def _check_calls(self, key: Key) -> None:
        limit = key.limits.max_calls
        if limit is None:
            return
        if self._active_of(key.id) + self._pending.get(key.id, 0) >= limit:
            raise RateLimited(
                f"This key may have {_counted(limit, 'call')} at once and has them all;"
                " end one, or wait until one ends",
                retry_after_s=BUSY_RETRY_S,
            )

    def _count_opening(self, key: Key) -> None:
        limit = key.limits.calls_per_minute
        if limit is None:
            return
        now = self._now()
        opened = self._opened.setdefault(key.id, deque())
        while opened and opened[0] <= now - MINUTE_S:
            opened.popleft()
        if len(opened) >= limit:
            wait_s = max(1, math.ceil(opened[-limit] + MINUTE_S - now))
            raise RateLimited(
                f"This key may open {_counted(limit, 'call')} a minute;"
                f" the next one in {_counted(wait_s, 'second')}",
                retry_after_s=wait_s,
            )
        opened.append(now)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
