from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.engines.llm.demo_agent import arithmetic
from rtav.engines.llm.demo_agent.arithmetic import OutOfReach, Sum


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("what is twenty three times seven", "23 times 7", Fraction(161)),
        ("2 + 3 * 4", "2 plus 3 times 4", Fraction(14)),
        ("ten minus two minus three", "10 minus 2 minus 3", Fraction(5)),
        ("5-3", "5 minus 3", Fraction(2)),
        ("minus five plus eight", "minus 5 plus 8", Fraction(3)),
        ("ten divided by three", "10 divided by 3", Fraction(10, 3)),
        ("fifteen percent of eighty", "15 percent of 80", Fraction(12)),
        ("half of ten plus one", "half of 10 plus 1", Fraction(6)),
        ("seven squared", "7 squared", Fraction(49)),
        ("two to the power of ten", "2 to the power of 10", Fraction(1024)),
        ("the square root of sixteen", "the square root of 16", Fraction(4)),
        ("subtract three from ten", "10 minus 3", Fraction(7)),
        ("multiply six by seven", "6 times 7", Fraction(42)),
        ("what is for times ate", "4 times 8", Fraction(32)),
        ("what is two plus you", "2 plus 2", Fraction(4)),
        ("what is six time seven", "6 times 7", Fraction(42)),
        ("1,000 plus 24", "1000 plus 24", Fraction(1024)),
        ("three plus four plus, er", "3 plus 4", Fraction(7)),
    ],
)
def test_a_sum_is_found_and_worked_out(text: str, question: str, answer: Fraction) -> None:
    assert arithmetic.find(text) == Sum(question, answer)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "I have two dogs", "five plus", "it is half past two", "the time of my life"],
)
def test_what_is_no_sum_is_none(text: str) -> None:
    assert arithmetic.find(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "one divided by zero",
        "0 to the power of -1",
        "2 to the power of 1000000",
        "nine billion times nine billion",
        "the square root of minus four",
    ],
)
def test_what_cannot_be_said_is_refused_with_a_line(text: str) -> None:
    with pytest.raises(OutOfReach, match=r"\.\Z"):
        arithmetic.find(text)


@pytest.mark.parametrize(
    ("value", "spoken", "is_exact"),
    [
        (Fraction(161), "161", True),
        (Fraction(5, 2), "2.5", True),
        (Fraction(1, 3), "0.3333", False),
    ],
)
def test_an_answer_is_said_with_four_decimals(value: Fraction, spoken: str, is_exact: bool) -> None:
    assert (arithmetic.spoken(value), arithmetic.is_exact(value)) == (spoken, is_exact)


WORDS = "two ten a hundred plus minus times divided by percent of half squared cubed to the power"


@given(st.lists(st.sampled_from([*WORDS.split(), "^", "1000000", "-", "root", "square"])))
def test_any_words_make_a_sum_or_none_or_a_refusal(words: list[str]) -> None:
    """Invariant: whatever is said, the parser ends and raises nothing but OutOfReach."""
    try:
        found = arithmetic.find(" ".join(words))
    except OutOfReach:
        return
    assert found is None or abs(found.answer) <= arithmetic.MAX_ANSWER
