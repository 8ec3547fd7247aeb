"""Compares what was heard with what could have been meant, forgiving a recogniser's slips."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from math import ceil

MAX_WORDS = 16  # of an utterance; more are talk, not a request, and comparing them takes time
ALIKE = 0.6  # two words less alike than this have nothing to do with each other
SMALL_WEIGHT = 0.3  # of a word that says little by itself, against 1 for one that says much

_CONTRACTIONS = {
    "i'm": "i am",
    "let's": "let us",
    "can't": "can not",
    "won't": "will not",
    "don't": "do not",
    "you're": "you are",
    "what're": "what are",
}
_IS = re.compile(r"\b(what|who|how|where|that|it|there|name|when)'s\b")
_WORD = re.compile(r"[a-z0-9']+")

_SMALL = frozenset(
    "a about again am an and any are at be can could did do does for from give had has have hear "
    "how i in is it just know let like make may me my need not now of on or please really say "
    "should show so some tell than that the there thing this to us want was we what when where "
    "which who will with would you your".split()
)

_SOUNDS = (
    ("ph", "f"),
    ("gh", ""),
    ("ck", "k"),
    ("sh", "j"),
    ("ch", "j"),
    ("th", "t"),
    ("wr", "r"),
    ("kn", "n"),
    ("x", "ks"),
    ("ce", "se"),
    ("ci", "si"),
)
_CLASSES = str.maketrans("bvcqgzd", "pfkkkst", "aeiouyh'")
"""Voiced and voiceless consonants sound alike to a recogniser; vowels hardly count."""


def words(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, without punctuation, common contractions written out."""
    lower = _IS.sub(r"\1 is", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    found: list[str] = []
    for word in _WORD.findall(lower)[:MAX_WORDS]:
        found.extend(_CONTRACTIONS.get(word, word.strip("'")).split())
    return tuple(found)


class _Phrase:
    def __init__(self, spoken: tuple[str, ...], meaning: int) -> None:
        self.meaning = meaning
        self.weights = {word: _weight(word) for word in spoken}
        self.weight = sum(self.weights.values())


class Phrasebook:
    """Things a person may say, each standing for something, ready to be compared.

    Immutable but for a cache of what sounds alike, which holds nothing but single words.
    """

    def __init__(self, phrases: Iterable[tuple[str, int]]) -> None:
        """Every phrase with the number of what it stands for."""
        self._phrases = tuple(_Phrase(words(text), meaning) for text, meaning in phrases)
        by_sound: dict[str, list[str]] = defaultdict(list)
        by_length: dict[int, list[tuple[str, int, float]]] = defaultdict(list)
        for word in sorted({word for phrase in self._phrases for word in phrase.weights}):
            by_sound[_sound(word)].append(word)
            letters = _letters(word)
            by_length[len(word)].append((word, letters, ALIKE * letters.bit_count()))
        self._by_sound, self._by_length = dict(by_sound), dict(by_length)
        self._alike = lru_cache(maxsize=1 << 12)(self._find_alike)

    def ranked(self, heard: tuple[str, ...], *, at_least: float) -> list[tuple[float, int]]:
        """The meanings `heard` may have, with their likeness (0 to 1), most alike first.

        A phrase is alike if all of it was said, and little else.
        """
        alike_words = [(_weight(word), self._alike(word)) for word in heard]
        total = sum(weight for weight, _ in alike_words)
        best: dict[str, float] = {}
        for _, found in alike_words:
            for word, likeness in found.items():
                best[word] = max(likeness, best.get(word, 0.0))
        likeliest: dict[int, float] = {}
        for phrase in self._phrases:
            coverage = sum(w * best.get(word, 0.0) for word, w in phrase.weights.items())
            coverage /= phrase.weight
            if coverage < at_least:  # precision can only lower it; most phrases end here
                continue
            meant = sum(
                w * max(found.get(p, 0.0) for p in phrase.weights) for w, found in alike_words
            )
            likeness = coverage * (1 + meant / total) / 2
            if likeness >= at_least:
                likeliest[phrase.meaning] = max(likeness, likeliest.get(phrase.meaning, 0.0))
        return sorted(((v, k) for k, v in likeliest.items()), key=lambda pair: (-pair[0], pair[1]))

    def _find_alike(self, heard: str) -> dict[str, float]:
        """The words of the vocabulary that `heard` may have been, with their likeness."""
        letters = _letters(heard)
        # Letters in common bound the edit distance and are ten times cheaper to count.
        near = [
            word
            for length in range(ceil(ALIKE * len(heard)), int(len(heard) / ALIKE) + 1)
            for word, its_letters, enough in self._by_length.get(length, ())
            if (letters & its_letters).bit_count() >= enough
        ]
        candidates = {*near, *self._by_sound.get(_sound(heard), ())}
        likeness = {word: alike(heard, word) for word in candidates}
        return {word: value for word, value in likeness.items() if value}


def _weight(word: str) -> float:
    return SMALL_WEIGHT if word in _SMALL else 1.0


def _letters(word: str) -> int:
    """The set of its letters, as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


def alike(one: str, other: str) -> float:
    """0 (different words) or ALIKE to 1: spelt nearly the same, or sounding so."""
    if one == other:
        return 1.0
    longest, difference = max(len(one), len(other)), abs(len(one) - len(other))
    spelt = 0.0
    if difference <= (1 - ALIKE) * longest:
        spelt = 1 - _distance(one, other) / longest
    if _sound(one) == _sound(other) and difference <= 2:
        return max(spelt, 0.8 if len(_sound(one)) > 1 else 0.7)
    return spelt if spelt >= ALIKE else 0.0


def _distance(one: str, other: str) -> int:
    """Levenshtein's: the number of letters to insert, delete or replace."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, against in enumerate(other, start=1):
            cost = min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != against))
            diagonal, row[j] = row[j], cost
    return row[-1]


@lru_cache(maxsize=1 << 12)
def _sound(word: str) -> str:
    """The word's consonants, reduced to classes that recognisers confuse; its vowels if none."""
    for spelling, sound in _SOUNDS:
        word = word.replace(spelling, sound)
    consonants = word.translate(_CLASSES)
    return "".join(a for a, b in zip(consonants, " " + consonants, strict=False) if a != b) or word
