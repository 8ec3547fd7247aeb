"""The only queue there is: bounded, and it says what happens when it is full."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Literal, Self, TypeVar

T = TypeVar("T")


class Bounded(Generic[T]):
    """From one producer to one consumer, in the event loop.

    Full: `wait` makes `put` wait, `drop_oldest` loses the oldest entry and counts it.
    """

    def __init__(self, limit: int, when_full: Literal["wait", "drop_oldest"]) -> None:
        self._entries: deque[T] = deque()
        self._limit = limit
        self._when_full = when_full
        self._changed = asyncio.Event()
        self._is_closed = False
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def put(self, entry: T) -> None:
        """Wait for room if the queue waits. What is put after `close` is lost."""
        while self._is_in_the_way():
            self._changed.clear()
            await self._changed.wait()
        self.put_now(entry)

    def put_now(self, entry: T) -> None:
        """Never waits: for queues that drop. What is put after `close` is lost."""
        if self._is_closed:
            return
        self._entries.append(entry)
        if self._when_full == "drop_oldest" and len(self._entries) > self._limit:
            self._entries.popleft()
            self.dropped += 1
        self._changed.set()

    def close(self) -> None:
        """The consumer gets what is left, then its iteration ends. Idempotent."""
        self._is_closed = True
        self._changed.set()

    # An iterator rather than a generator: one that is left early needs no closing.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._entries:
            if self._is_closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        entry = self._entries.popleft()
        self._changed.set()
        return entry

    def _is_in_the_way(self) -> bool:
        is_full = len(self._entries) >= self._limit
        return is_full and self._when_full == "wait" and not self._is_closed
