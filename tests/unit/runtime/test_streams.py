from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from rtav.errors import EngineTimeout
from rtav.runtime.streams import EngineStream
from rtav.testing.virtual import run


class Source:
    """A stream that pauses before each entry and says when it was closed."""

    def __init__(self, pauses_s: Sequence[float]) -> None:
        self._pauses_s = pauses_s
        self.is_closed = False

    async def entries(self) -> AsyncIterator[int]:
        try:
            for index, pause_s in enumerate(self._pauses_s):
                await asyncio.sleep(pause_s)
                yield index
        finally:
            self.is_closed = True


def test_entries_in_time_come_through() -> None:
    source = Source([5, 1, 1])

    async def main() -> list[int]:
        async with EngineStream(source.entries(), engine="e", next_s=2, first_s=6) as stream:
            return [entry async for entry in stream]

    assert run(main()) == [0, 1, 2]
    assert source.is_closed


@pytest.mark.parametrize("pauses_s", [[7.0], [5.0, 2.5]])
def test_a_late_entry_is_a_timeout_that_names_the_engine(pauses_s: list[float]) -> None:
    source = Source(pauses_s)

    async def main() -> None:
        async with EngineStream(source.entries(), engine="slow", next_s=2, first_s=6) as stream:
            async for _ in stream:
                pass

    with pytest.raises(EngineTimeout, match="slow: nothing came in time") as raised:
        run(main())
    assert raised.value.engine == "slow"
    assert source.is_closed


def test_a_stream_that_is_left_early_is_closed_at_once() -> None:
    source = Source([1, 1, 1])

    async def main() -> bool:
        async with EngineStream(source.entries(), engine="e") as stream:
            async for _ in stream:
                break
        return source.is_closed

    assert run(main())


def test_the_wait_for_the_first_entry_is_told_once() -> None:
    waits: list[float] = []

    async def main() -> None:
        source = Source([1.5, 1, 1])
        async with EngineStream(source.entries(), engine="e", on_first=waits.append) as stream:
            async for _ in stream:
                pass

    run(main())

    assert waits == [1.5]


def test_an_iterator_that_cannot_be_closed_needs_not() -> None:
    class Plain:
        def __init__(self) -> None:
            self._left = [1, 2]

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> int:
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop()

    async def main() -> list[int]:
        async with EngineStream(Plain(), engine="e") as stream:
            return [entry async for entry in stream]

    assert run(main()) == [2, 1]
