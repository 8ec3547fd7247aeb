import asyncio

from rtav.runtime.alarm import Alarm
from rtav.testing.virtual import run


def rung(*settings: tuple[float, float | None]) -> list[float]:
    """When an alarm rings that is set so: (when it is set, the time it is set to)."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        times: list[float] = []
        alarm = Alarm(loop, lambda: times.append(round(loop.time() - began, 3)))
        for at, due in settings:
            await asyncio.sleep(began + at - loop.time())
            alarm.set(None if due is None else began + due)
        await asyncio.sleep(10)
        return times

    return run(main())


def test_an_alarm_rings_once() -> None:
    assert rung((0, 2.0)) == [2.0]


def test_another_time_replaces_the_first() -> None:
    assert rung((0, 2.0), (1, 3.0)) == [3.0]
    assert rung((0, 5.0), (1, 3.0)) == [3.0]


def test_the_same_time_again_changes_nothing() -> None:
    assert rung((0, 2.0), (1, 2.0)) == [2.0]


def test_without_a_time_it_does_not_ring() -> None:
    assert rung((0, 2.0), (1, None)) == []


def test_it_can_be_set_anew_after_it_has_rung() -> None:
    assert rung((0, 2.0), (3, 4.0)) == [2.0, 4.0]
