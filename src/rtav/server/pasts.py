"""Conversations of sessions that have just ended: for a minute, and so many bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rtav.core.past import Past

KEPT_S = 60.0
"""How long a session can be gone on with: a phone that changes its network takes some seconds."""

MAX_KEPT = 1_000
MAX_BYTES = 64 << 20
"""Of all conversations together; one with many pictures may have 16 MB."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    session: T
    past: Past
    size_bytes: int
    until: float


class Pasts(Generic[T]):
    """By the sessions' ids. Those that ended first are forgotten first. Event loop only."""

    def __init__(self, *, unix: Callable[[], float]) -> None:
        self._unix = unix
        self._kept: dict[str, _Kept[T]] = {}
        self._bytes = 0

    def keep(self, session_id: str, session: T, past: Past) -> None:
        """Keep what is left of a session, unless its own time is over or it is too large."""
        now = self._unix()
        size_bytes = past.conversation.size_bytes
        until = min(now + KEPT_S, past.expires_at)
        if until <= now or size_bytes > MAX_BYTES:
            return
        self._kept[session_id] = _Kept(session, past, size_bytes, until)
        self._bytes += size_bytes
        while len(self._kept) > MAX_KEPT or self._bytes > MAX_BYTES:
            self.forget(next(iter(self._kept)))

    def find(self, session_id: str) -> tuple[T, Past] | None:
        self.expire()
        kept = self._kept.get(session_id)
        return None if kept is None else (kept.session, kept.past)

    def forget(self, session_id: str) -> None:
        if kept := self._kept.pop(session_id, None):
            self._bytes -= kept.size_bytes

    def expire(self) -> None:
        """Forget those whose time is over."""
        now = self._unix()
        for session_id in [id_ for id_, kept in self._kept.items() if kept.until <= now]:
            self.forget(session_id)
