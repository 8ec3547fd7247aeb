"""How much a key may upload: at once, a minute, in number and in bytes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rtav.clock import Clock
from rtav.errors import AtCapacity, ProtocolError, RateLimited
from rtav.settings import AssetSettings

UNDER_WAY = 8
"""Uploads that a server receives at once: more would only share its line."""
BUSY_RETRY_S = 2
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Held:
    """What an owner has."""

    count: int
    size_bytes: int


class Quota:
    """Event loop only."""

    def __init__(self, settings: AssetSettings, *, now: Clock) -> None:
        self._settings = settings
        self._now = now
        self._under_way: set[str] = set()
        self._began: dict[str, deque[float]] = {}

    @contextmanager
    def place(self, owner: str) -> Iterator[None]:
        """Hold the owner's one place. Raises RateLimited, AtCapacity."""
        if owner in self._under_way:
            raise RateLimited(
                "This key has an upload under way; send one after the other",
                retry_after_s=BUSY_RETRY_S,
            )
        if len(self._under_way) >= UNDER_WAY:
            raise AtCapacity("Too many files are on their way; try again in a moment")
        self._count(owner)
        self._under_way.add(owner)
        try:
            yield
        finally:
            self._under_way.discard(owner)

    def check(self, held: Held, *, more_bytes: int = 0) -> None:
        """Raises ProtocolError `asset_limit_reached` if one more is too much."""
        settings = self._settings
        if held.count >= settings.max_per_key:
            raise ProtocolError(
                f"This key has all of its {settings.max_per_key} assets; delete one first",
                code="asset_limit_reached",
            )
        if held.size_bytes + more_bytes > settings.max_bytes_per_key:
            raise ProtocolError(
                f"This key's assets would have more than {settings.max_bytes_per_key} bytes;"
                " delete some first",
                code="asset_limit_reached",
            )

    def _count(self, owner: str) -> None:
        now = self._now()
        for other in [name for name, times in self._began.items() if times[-1] <= now - MINUTE_S]:
            del self._began[other]
        began = self._began.setdefault(owner, deque())
        while began and began[0] <= now - MINUTE_S:
            began.popleft()
        if len(began) >= self._settings.uploads_per_minute:
            wait_s = max(1, math.ceil(began[0] + MINUTE_S - now))
            raise RateLimited(
                f"This key may upload {self._settings.uploads_per_minute} files a minute;"
                f" the next one in {wait_s} s",
                retry_after_s=wait_s,
            )
        began.append(now)
