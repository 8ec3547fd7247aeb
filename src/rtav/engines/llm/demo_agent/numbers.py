"""Numbers in words, both ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()

_UNITS = {word: value for value, word in enumerate(ONES)} | {"oh": 0, "fourty": 4}
_TENS = {word: 10 * value for value, word in enumerate(TENS) if value > 1} | {"fourty": 40}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 10**9}
_MISHEARD = {"to": 2, "too": 2, "for": 4, "far": 4, "ate": 8, "won": 1, "sex": 6, "tree": 3}
# Words that else mean themselves.
_MISHEARD_LAST = {"a": 8, "on": 1, "then": 10, "again": 10, "you": 2, "do": 2}
_DIGITS = re.compile(r"\d+(\.\d+)?\Z")

_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def read(words: Sequence[str], at: int, *, forgiving: bool = False) -> tuple[Fraction, int] | None:
    """The number that begins at `words[at]` and the index behind it; None if none begins there.

    Understands digits ("3.5"), words up to the billions ("two hundred and five") and decimals
    ("three point one four"). `forgiving`, where only a number can stand, also takes what
    recognisers write for a lone one ("for", "ate").
    """
    if at >= len(words):
        return None
    if _DIGITS.match(words[at]):
        return _read_scale(Fraction(words[at]), words, at + 1)
    if forgiving and words[at] in _MISHEARD:
        return Fraction(_MISHEARD[words[at]]), at + 1
    if forgiving and at == len(words) - 1 and words[at] in _MISHEARD_LAST:
        return Fraction(_MISHEARD_LAST[words[at]]), at + 1
    whole = _read_whole(words, at)
    return None if whole is None else _read_decimals(*whole, words=words)


def _read_whole(words: Sequence[str], at: int) -> tuple[Fraction, int] | None:
    start = at + (words[at] == "a" and any(w in _SCALES for w in words[at + 1 : at + 2]))
    total, group, end = 0, None, at
    for index in range(start, len(words)):
        word = words[index]
        if word == "and" and index > at and _continues(words, index + 1):
            continue
        step = _extend(group, word)
        if step is None:
            break
        group, end = step, index + 1
        if _SCALES.get(word, 0) > 100:
            total, group = total + group, 0
    return (Fraction(total + (group or 0)), end) if end > at else None


def _continues(words: Sequence[str], at: int) -> bool:
    """Whether an "and" belongs to the number: something smaller follows a hundred or thousand."""
    return words[at - 2] in _SCALES and words[at : at + 1] != [] and _value(words[at]) is not None


def _value(word: str) -> int | None:
    return _TENS.get(word, _UNITS.get(word))


def _extend(group: int | None, word: str) -> int | None:
    """The group of three digits after one more word; None if the word does not continue it."""
    value = _value(word)
    if value is not None:
        if not group:
            return value if group is None or value else None
        fits = group % 100 == 0 or (group % 10 == 0 and 0 < value < 10 and group % 100 >= 20)
        return group + value if fits else None
    if word in _SCALES and group != 0:
        return (group or 1) * _SCALES[word]
    return None


def _read_decimals(whole: Fraction, at: int, *, words: Sequence[str]) -> tuple[Fraction, int]:
    if words[at : at + 1] != ["point"]:
        return whole, at
    end = at + 1
    while end < len(words) and (_UNITS.get(words[end], 10) < 10 or words[end].isdigit()):
        end += 1
    digits = "".join(w if w.isdigit() else str(_UNITS[w]) for w in words[at + 1 : end])
    return (whole + Fraction("0." + digits), end) if digits else (whole, at)


def _read_scale(number: Fraction, words: Sequence[str], at: int) -> tuple[Fraction, int]:
    if at < len(words) and words[at] in _SCALES:
        return number * _SCALES[words[at]], at + 1
    return number, at


def say(number: int) -> str:
    """`number` in words, for -999 999 to 999 999: "two hundred and five"."""
    if number < 0:
        return f"minus {say(-number)}"
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")
    size, name, joint = (100, "hundred", " and ") if number < 1000 else (1000, "thousand", " ")
    rest = f"{joint}{say(number % size)}" if number % size else ""
    return f"{say(number // size)} {name}{rest}"


def ordinal(number: int) -> str:
    """`number` as a rank, for 1 to 99: "twenty-second"."""
    head, _, last = say(number).rpartition("-")
    rank = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return f"{head}-{rank}" if head else rank
