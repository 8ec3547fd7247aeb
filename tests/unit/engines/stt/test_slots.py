import asyncio

from rtav.engines.stt.sphinx_pool import Slots


def test_who_asks_first_is_served_first() -> None:
    async def scenario() -> list[bool]:
        slots = Slots(1)
        first, second, third = slots.ask(), slots.ask(), slots.ask()
        slots.give_back(first)
        return [first.done(), second.done(), third.done()]

    assert asyncio.run(scenario()) == [True, True, False]


def test_who_gives_up_waiting_is_passed_over() -> None:
    async def scenario() -> tuple[bool, bool]:
        slots = Slots(1)
        first, second, third = slots.ask(), slots.ask(), slots.ask()
        slots.give_back(second)
        slots.give_back(first)
        return second.done(), third.done()

    assert asyncio.run(scenario()) == (False, True)


def test_giving_back_twice_makes_no_second_slot() -> None:
    async def scenario() -> list[bool]:
        slots = Slots(1)
        first = slots.ask()
        slots.give_back(first)
        slots.give_back(first)
        return [slots.ask().done(), slots.ask().done()]

    assert asyncio.run(scenario()) == [True, False]


def test_those_who_had_to_wait_are_counted() -> None:
    async def scenario() -> int:
        slots = Slots(2)
        for _ in range(5):
            slots.ask()
        return slots.waited

    assert asyncio.run(scenario()) == 3
