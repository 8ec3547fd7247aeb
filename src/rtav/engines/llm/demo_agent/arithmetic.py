"""Spoken arithmetic: finds a sum in what was said, works it out exactly, and says it back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from rtav.engines.llm.demo_agent import numbers

MAX_EXPONENT = 64
MAX_ANSWER = Fraction(10**15)  # beyond it nobody can follow the digits by ear

_TOKEN = re.compile(r"\d+(?:\.\d+)?|[a-z']+|[-+*/^%×÷]")
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


class OutOfReach(ArithmeticError):
    """The sum was understood but has no answer that can be said; the message says why."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What was asked, and what it makes."""

    question: str
    answer: Fraction


@dataclass(frozen=True, slots=True)
class _Operator:
    spellings: tuple[str, ...]
    said: str
    apply: Callable[[Fraction, Fraction], Fraction]


def _divide(one: Fraction, other: Fraction) -> Fraction:
    if not other:
        raise OutOfReach("Dividing by zero is where even a script draws the line.")
    return one / other


def _power(one: Fraction, other: Fraction) -> Fraction:
    if other.denominator != 1 or abs(other) > MAX_EXPONENT or (other < 0 and not one):
        raise OutOfReach("That power is too much for me. Small whole ones I can do.")
    return one ** int(other)


_ADDING = (
    _Operator(("plus", "+", "added to"), "plus", lambda a, b: a + b),
    _Operator(("minus", "-", "less", "take away"), "minus", lambda a, b: a - b),
)
_MULTIPLYING = (
    _Operator(
        ("times", "*", "×", "x", "multiplied by", "multiply by", "time"),
        "times",
        lambda a, b: a * b,
    ),
    _Operator(("divided by", "divide by", "over", "/", "÷"), "divided by", _divide),
)
_RAISING = (_Operator(("to the power of", "to the power", "^"), "to the power of", _power),)
_COMMANDS = {  # "divide ten by three": the joint, the operator, whether the operands are swapped
    "add": (("and", "to", "plus"), _ADDING[0], False),
    "sum of": (("and",), _ADDING[0], False),
    "subtract": (("from",), _ADDING[1], True),
    "multiply": (("by", "and", "with", "times"), _MULTIPLYING[0], False),
    "divide": (("by",), _MULTIPLYING[1], False),
}
_FACTORS = {"half of": Fraction(1, 2), "half": Fraction(1, 2), "twice": Fraction(2)} | {
    "double": Fraction(2),
    "quarter of": Fraction(1, 4),
    "third of": Fraction(1, 3),
}
_SIGNS = frozenset(
    spelling.split()[0]
    for spelling in (
        *(name for o in (*_ADDING, *_MULTIPLYING, *_RAISING) for name in o.spellings),
        *_COMMANDS,
        *_FACTORS,
        *("percent", "per", "%", "squared", "cubed", "square"),
    )
)


def find(text: str) -> Sum | None:
    """The longest sum in `text`, worked out; None if there is none.

    Raises OutOfReach for a division by zero, a huge power or a huge answer.
    """
    lower = _THOUSANDS.sub("", _HYPHEN.sub(" ", text.lower()))
    tokens = _TOKEN.findall(lower)
    if not _SIGNS.intersection(tokens):  # most of what is said is no sum; this says so quickly
        return None
    for start in range(len(tokens)):
        parser = _Parser(tokens, start)
        value = parser.sum()
        if value is not None and parser.operations:
            if abs(value) > MAX_ANSWER:
                raise OutOfReach("I know, but saying that many digits would take all day.")
            return Sum(" ".join(parser.said), value)
    return None


class _Parser:
    """Recursive descent over `tokens`. A rule returns None, and consumes nothing, if it does not
    apply. `operations` counts what was done: a number alone is no sum."""

    def __init__(self, tokens: list[str], at: int) -> None:
        self._tokens = tokens
        self._at = at
        self.operations = 0
        self.said: list[str] = []

    def sum(self) -> Fraction | None:
        return self._chain(_ADDING, self._product)

    def _product(self) -> Fraction | None:
        return self._chain(_MULTIPLYING, self._raised)

    def _raised(self) -> Fraction | None:
        return self._chain(_RAISING, self._operand)

    def _chain(
        self, operators: tuple[_Operator, ...], operand: Callable[[], Fraction | None]
    ) -> Fraction | None:
        value = operand()
        while value is not None:
            mark, said = self._at, len(self.said)
            operator = next((o for o in operators if self._take(*o.spellings)), None)
            if operator is None:
                break
            self.said.append(operator.said)
            right = operand()
            if right is None:  # "five plus": what was said before it still counts
                self._at = mark
                del self.said[said:]
                break
            value = operator.apply(value, right)
            self.operations += 1
        return value

    def _operand(self) -> Fraction | None:
        if self._take("minus", "negative", "-"):
            self.said.append("minus")
            value = self._operand()
            return None if value is None else -value
        if self._take("the square root of", "square root of"):
            return self._root()
        for words, factor in _FACTORS.items():
            if self._take(words):
                self.said.append(words)
                self.operations += 1
                value = self._operand()
                return None if value is None else factor * value
        for command in _COMMANDS:
            if self._take(command):
                return self._commanded(command)
        return self._suffixed(self._number())

    def _commanded(self, command: str) -> Fraction | None:
        joints, operator, swapped = _COMMANDS[command]
        start = len(self.said)
        first = self._operand()
        middle = len(self.said)
        second = self._operand() if first is not None and self._take(*joints) else None
        if first is None or second is None:
            return None
        one, other = self.said[start:middle], self.said[middle:]
        if swapped:
            first, second, one, other = second, first, other, one
        self.said[start:] = [*one, operator.said, *other]
        self.operations += 1
        return operator.apply(first, second)

    def _root(self) -> Fraction | None:
        self.said.append("the square root of")
        value = self._operand()
        if value is None:
            return None
        if value < 0:
            raise OutOfReach("The root of a negative number is purely imaginary, much like me.")
        self.operations += 1
        return Fraction(float(value) ** 0.5).limit_denominator(10**6)

    def _number(self) -> Fraction | None:
        found = numbers.read(self._tokens, self._at, forgiving=True)
        if found is None:
            return None
        value, self._at = found
        self.said.append(spoken(value))
        return value

    def _suffixed(self, value: Fraction | None) -> Fraction | None:
        if value is None:
            return None
        if self._take("percent", "per cent", "%"):
            self.said.append("percent")
            value /= 100
            if self._take("of", "off", "and"):  # heard for "of"
                self.said.append("of")
                self.operations += 1
                whole = self._operand()
                return None if whole is None else value * whole
        for name, exponent in (("squared", 2), ("cubed", 3)):
            if self._take(name):
                self.said.append(name)
                self.operations += 1
                value = value**exponent
        return value

    def _take(self, *spellings: str) -> bool:
        for spelling in spellings:
            wanted = spelling.split()
            if self._tokens[self._at : self._at + len(wanted)] == wanted:
                self._at += len(wanted)
                return True
        return False


def spoken(value: Fraction) -> str:
    """`value` in digits, at most four decimals: "161", "2.5", "0.3333"."""
    if value.denominator == 1:
        return str(value)
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def is_exact(value: Fraction) -> bool:
    """Whether `spoken` tells the whole truth."""
    return Fraction(spoken(value)) == value
