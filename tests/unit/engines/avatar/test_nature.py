from random import Random

from rtav.engines.avatar.nature import KEPT, Nature

FRAME_S = 0.04


def test_who_asks_for_the_same_instant_is_told_the_same() -> None:
    nature = Nature(Random(1))

    assert nature.at(1.0) is nature.at(1.0)
    assert nature.at(1.04) is not nature.at(1.0)


def test_some_instants_back_are_remembered() -> None:
    nature = Nature(Random(1))
    told = [nature.at(i * FRAME_S) for i in range(100)]

    assert nature.at((100 - KEPT) * FRAME_S) is told[100 - KEPT]
    assert nature.at(98.5 * FRAME_S) is told[98]


def test_who_is_far_behind_is_told_the_oldest_that_is_remembered() -> None:
    nature = Nature(Random(1))
    told = [nature.at(i * FRAME_S) for i in range(100)]

    assert nature.at(0.0) is told[100 - KEPT]


def test_a_month_that_nobody_watched_is_not_relived() -> None:
    nature = Nature(Random(1))
    nature.at(1.0)

    instant = nature.at(30 * 86_400.0)

    assert instant == type(instant)(30 * 86_400.0, *_after(0.0, seed=1))


def test_a_minute_that_nobody_watched_changes_nothing() -> None:
    every, few = Nature(Random(2)), Nature(Random(2))
    for i in range(1_000):
        told = every.at(i * FRAME_S)

    assert few.at(999 * FRAME_S) == told


def _after(t: float, *, seed: int) -> tuple[object, object, object]:
    nature = Nature(Random(seed))
    nature.at(1.0)
    instant = nature.at(1.0 + t)
    return instant.moods, instant.signs, instant.beat
