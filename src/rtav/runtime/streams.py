"""What an engine streams: in time or not at all, and closed however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from rtav.errors import EngineTimeout

T = TypeVar("T")


class EngineStream(Generic[T]):
    """Use as an async context: on the way out what stands behind the stream is cancelled at once,
    not when the garbage is collected.

    The iteration raises EngineTimeout if the next entry does not come within `next_s`, the first
    within `first_s`; None waits for ever. `on_first` is told how many seconds the first one took.
    """

    def __init__(
        self,
        entries: AsyncIterator[T],
        *,
        engine: str,
        next_s: float | None = None,
        first_s: float | None = None,
        on_first: Callable[[float], None] | None = None,
    ) -> None:
        self._entries = entries
        self._engine = engine
        self._next_s = next_s
        self._patience_s = next_s if first_s is None else first_s
        self._on_first = on_first
        self._began_at = asyncio.get_running_loop().time()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        close = getattr(self._entries, "aclose", None)  # generators have it, iterators need not
        if close is not None:
            await close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            async with asyncio.timeout(self._patience_s):
                entry = await anext(self._entries)
        except TimeoutError:
            raise EngineTimeout(self._engine, "nothing came in time", retryable=True) from None
        self._patience_s = self._next_s
        if self._on_first is not None:
            self._on_first(asyncio.get_running_loop().time() - self._began_at)
            self._on_first = None
        return entry
