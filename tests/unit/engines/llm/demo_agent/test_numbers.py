from __future__ import annotations

from fractions import Fraction

import pytest

from rtav.engines.llm.demo_agent import numbers


@pytest.mark.parametrize(
    ("spoken", "value", "read"),
    [
        ("seven", 7, 1),
        ("twenty three", 23, 2),
        ("two hundred and five", 205, 4),
        ("a hundred", 100, 2),
        ("hundred", 100, 1),
        ("one thousand two hundred", 1200, 4),
        ("twelve thousand and one apples", 12001, 4),
        ("three million", 3_000_000, 2),
        ("3 million", 3_000_000, 2),
        ("nineteen hundred", 1900, 2),
        ("42", 42, 1),
        ("3.5", Fraction(7, 2), 1),
        ("three point one four", Fraction(314, 100), 4),
        ("five point", 5, 1),
        ("zero", 0, 1),
        ("twenty and three", 20, 1),
        ("two three", 2, 1),
    ],
)
def test_a_number_is_read_as_far_as_it_goes(spoken: str, value: Fraction, read: int) -> None:
    assert numbers.read(spoken.split(), 0) == (value, read)


def test_where_only_a_number_can_stand_a_misheard_one_is_forgiven() -> None:
    assert numbers.read(["for"], 0, forgiving=True) == (4, 1)
    assert numbers.read(["for"], 0) is None


@pytest.mark.parametrize("spoken", ["", "a", "a dog", "and five", "point five", "dog"])
def test_what_is_no_number_is_none(spoken: str) -> None:
    assert numbers.read(spoken.split(), 0) is None


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety-nine"),
        (205, "two hundred and five"),
        (1042, "one thousand forty-two"),
        (-3, "minus three"),
    ],
)
def test_a_number_is_said(number: int, spoken: str) -> None:
    assert numbers.say(number) == spoken


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (4, "fourth"),
        (8, "eighth"),
        (12, "twelfth"),
        (20, "twentieth"),
        (22, "twenty-second"),
        (31, "thirty-first"),
    ],
)
def test_a_rank_is_said(number: int, spoken: str) -> None:
    assert numbers.ordinal(number) == spoken
