from __future__ import annotations

import asyncio
import threading

import pytest

from rtav.testing.virtual import Deadlock, Forgotten, RanAway, Unhandled, VirtualLoop, run


def test_an_hour_passes_at_once_and_exactly() -> None:
    async def main() -> list[float]:
        times = []
        for _ in range(3):
            await asyncio.sleep(1200)
            times.append(asyncio.get_running_loop().time())
        return times

    assert run(main()) == [1200.0, 2400.0, 3600.0]


def test_the_clock_begins_where_it_is_told() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await asyncio.sleep(0.5)
        return loop.clock()

    assert run(main(), start=100.0) == 100.5


def test_time_stands_still_while_work_is_ready() -> None:
    async def main() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run(main()) == 0.0


def test_tasks_wake_in_the_order_of_their_timers() -> None:
    woken: list[str] = []

    async def sleeper(name: str, delay: float) -> None:
        await asyncio.sleep(delay)
        woken.append(name)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeper("late", 3.0))
            group.create_task(sleeper("early", 1.0))
            group.create_task(sleeper("middle", 2.0))

    run(main())
    assert woken == ["early", "middle", "late"]


def test_a_timeout_fires_in_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(15):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(main()) == 15.0


def test_a_deadlock_names_the_task_and_the_line() -> None:
    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"waits at .*\(wait\)"):
        run(waits_for_ever())


def test_a_forgotten_task_fails_the_run_and_is_named() -> None:
    async def main() -> None:
        asyncio.get_running_loop().create_task(asyncio.sleep(5), name="left behind")  # noqa: RUF006

    with pytest.raises(Forgotten, match="left behind"):
        run(main())


def test_a_task_that_waits_for_ever_in_a_loop_is_found() -> None:
    async def main() -> None:
        while True:  # noqa: ASYNC110 - the mistake that is to be found
            await asyncio.sleep(1)

    with pytest.raises(RanAway):
        run(main(), limit_s=60)


def test_a_callback_that_fails_fails_the_run() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(1)

    with pytest.raises(Unhandled) as failure:
        run(main())
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


def test_an_exception_of_the_coroutine_comes_out() -> None:
    async def main() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main())


def test_a_thread_is_refused() -> None:
    async def main() -> None:
        await asyncio.to_thread(print)

    with pytest.raises(RuntimeError, match="no threads"):
        run(main())


def test_a_call_from_another_thread_is_refused() -> None:
    refused: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def intrude() -> None:
            try:
                loop.call_soon_threadsafe(print)
            except RuntimeError as error:
                refused.append(str(error))

        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()

    run(main())
    assert refused == ["virtual time has no other threads: inject a scripted stand-in instead"]


def test_an_abandoned_generator_is_closed() -> None:
    closed: list[bool] = []

    async def numbers() -> object:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def main() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(1)

    run(main())
    assert closed == [True]
