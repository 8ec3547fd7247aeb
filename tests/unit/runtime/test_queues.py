from __future__ import annotations

import asyncio

from rtav.runtime.queues import Bounded
from rtav.testing.virtual import run


async def _rest(queue: Bounded[int]) -> list[int]:
    return [entry async for entry in queue]


def test_entries_come_in_the_order_they_were_put() -> None:
    async def main() -> list[int]:
        queue: Bounded[int] = Bounded(4, "wait")
        for entry in (1, 2, 3):
            await queue.put(entry)
        queue.close()
        return await _rest(queue)

    assert run(main()) == [1, 2, 3]


def test_a_full_queue_that_waits_lets_its_producer_go_on_when_there_is_room() -> None:
    async def main() -> tuple[int, list[int]]:
        queue: Bounded[int] = Bounded(2, "wait")

        async def produce() -> None:
            for entry in range(5):
                await queue.put(entry)
            queue.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(produce())
            await asyncio.sleep(1)
            length_when_full = len(queue)
            entries = await _rest(queue)
        return length_when_full, entries

    assert run(main()) == (2, [0, 1, 2, 3, 4])


def test_a_full_queue_that_drops_loses_the_oldest_and_counts_it() -> None:
    async def main() -> tuple[int, list[int]]:
        queue: Bounded[int] = Bounded(2, "drop_oldest")
        for entry in (1, 2, 3, 4):
            await queue.put(entry)
        queue.close()
        return queue.dropped, await _rest(queue)

    assert run(main()) == (2, [3, 4])


def test_a_consumer_that_waits_is_woken_by_an_entry_and_by_the_end() -> None:
    async def main() -> list[int]:
        queue: Bounded[int] = Bounded(2, "wait")
        loop = asyncio.get_running_loop()
        loop.call_later(1, queue.put_now, 1)
        loop.call_later(2, queue.close)
        return await _rest(queue)

    assert run(main()) == [1]


def test_what_is_put_into_a_closed_queue_is_lost_and_nobody_waits() -> None:
    async def main() -> list[int]:
        queue: Bounded[int] = Bounded(1, "wait")
        await queue.put(1)
        queue.close()
        await queue.put(2)
        return await _rest(queue)

    assert run(main()) == [1]


def test_a_producer_that_waits_is_freed_by_the_end() -> None:
    async def main() -> list[int]:
        queue: Bounded[int] = Bounded(1, "wait")
        await queue.put(1)
        asyncio.get_running_loop().call_later(1, queue.close)
        await queue.put(2)
        return await _rest(queue)

    assert run(main()) == [1]


def test_an_iteration_that_is_left_early_can_be_taken_up_again() -> None:
    async def main() -> list[int]:
        queue: Bounded[int] = Bounded(4, "wait")
        for entry in (1, 2, 3):
            queue.put_now(entry)
        queue.close()
        async for _ in queue:
            break
        return await _rest(queue)

    assert run(main()) == [2, 3]
