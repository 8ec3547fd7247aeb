import pytest

from rtav.engines.tts.espeak_worker import with_closures

LOUD, SOFT = 5_000, 100


def sound(*stretches: tuple[int, int]) -> list[int]:
    """Levels and their lengths, one after the other."""
    return [level for level, length in stretches for _ in range(length)]


def test_a_stop_begins_with_the_silence_before_its_burst() -> None:
    phones = [("a", 0, 3_000), ("p", 3_000, 3_800), ("iː", 3_800, 6_000)]
    pcm = sound((LOUD, 2_112), (SOFT, 888), (LOUD, 3_000))

    closed = with_closures(phones, pcm)

    assert closed == [("a", 0, 2_120), ("p", 2_120, 3_800), ("iː", 3_800, 6_000)]


def test_the_burst_may_begin_a_little_before_the_time_that_is_told() -> None:
    phones = [("a", 0, 3_000), ("ˈt", 3_000, 3_800)]
    pcm = sound((LOUD, 2_112), (SOFT, 844), (LOUD, 3_000))

    assert with_closures(phones, pcm)[1] == ("ˈt", 2_120, 3_800)


def test_a_stop_without_a_silence_before_it_is_left_alone() -> None:
    phones = [("a", 0, 3_000), ("b", 3_000, 3_800)]

    assert with_closures(phones, sound((LOUD, 4_000))) == phones


def test_a_silence_that_is_longer_than_a_closure_is_a_pause() -> None:
    phones = [("a", 0, 9_000), ("p", 9_000, 9_800)]

    closed = with_closures(phones, sound((LOUD, 1_000), (SOFT, 8_000), (LOUD, 1_000)))

    assert closed[1] == ("p", 9_000 - 40 * 44, 9_800)


@pytest.mark.parametrize("name", ["s", "m", "iː"])
def test_only_stops_have_closures(name: str) -> None:
    phones = [("a", 0, 3_000), (name, 3_000, 3_800)]

    assert with_closures(phones, sound((LOUD, 2_000), (SOFT, 1_000), (LOUD, 1_000))) == phones


def test_what_follows_a_pause_begins_when_it_is_told_to() -> None:
    phones = [("", 0, 3_000), ("p", 3_000, 3_800)]

    assert with_closures(phones, sound((SOFT, 3_000), (LOUD, 1_000))) == phones
