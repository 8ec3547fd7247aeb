"""A small language model of what people say to the demo agent, for a recogniser to listen for."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from rtav.engines.llm.demo_agent.intents import INTENTS

_ORDER = 3
_NEVER = -99.0  # ARPA's logarithm of zero
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
).split()
_NAMES = (
    "john james robert michael david william richard thomas daniel paul mark george peter alex sam "
    "ben tom max leo adam jack mary patricia jennifer linda elizabeth susan jessica sarah karen "
    "nancy lisa emily anna emma julia laura alice kate maria sophia"
).split()
_SPELT = "hello avatar computer banana elephant apple house water friend music garden".split()
_OPERATIONS = ("plus", "minus", "times", "divided by")
_SUMS = ("what is {} {} {}", "what's {} {} {}", "how much is {} {} {}", "calculate {} {} {}")
_INTRODUCTIONS = ("my name is {}", "i am {}", "call me {}", "hello my name is {}")
_SPELLINGS = ("spell {}", "how do you spell {}", "can you spell {}", "spell the word {}")
_COUNTS = ("count to {}", "can you count to {}", "count down from {}", "please count to {}")
_ASKED = ("{}", "please {}", "{} please", "can you {}", "could you {}", "okay {}")

Gram = tuple[str, ...]
Counts = dict[Gram, int]


def arpa() -> str:
    """The model as an ARPA file: some 100 KB, made in a fraction of a second."""
    return _arpa(_counts(sentences()))


def sentences() -> Iterator[str]:
    """What the agent understands, in lower case without punctuation."""
    for intent in INTENTS:
        for phrase in intent.phrases:
            # Whole sentences count for more than what politeness may be put around them.
            yield from (phrase,) * 3
            yield from (wrapped.format(phrase) for wrapped in _ASKED)
    for template in _SUMS:
        for first in _NUMBERS:
            for operation in _OPERATIONS:
                # A diagonal of the square: each number stands on both sides, few pairs are listed.
                second = _NUMBERS[(7 * _NUMBERS.index(first) + len(operation)) % len(_NUMBERS)]
                yield template.format(first, operation, second)
    for templates, words in (
        (_INTRODUCTIONS, _NAMES),
        (_SPELLINGS, _SPELT),
        (_COUNTS, _NUMBERS),
    ):
        yield from (template.format(word) for template in templates for word in words)


def _counts(spoken: Iterable[str]) -> list[Counts]:
    """How often each word, pair and triple occurs, by length."""
    counts: list[Counts] = [defaultdict(int) for _ in range(_ORDER)]
    for sentence in spoken:
        words = ("<s>", *sentence.split(), "</s>")
        for length in range(1, _ORDER + 1):
            for end in range(length, len(words) + 1):
                counts[length - 1][words[end - length : end]] += 1
    return counts


def _arpa(counts: list[Counts]) -> str:
    """Trigrams smoothed by Witten and Bell: after h, a new word is as likely as h had new words."""
    after: dict[Gram, int] = defaultdict(int)
    kinds: dict[Gram, int] = defaultdict(int)
    for grams in counts:
        for gram, count in grams.items():
            if gram != ("<s>",):  # nothing is ever followed by a beginning
                after[gram[:-1]] += count
                kinds[gram[:-1]] += 1
    share = {history: kinds[history] / (after[history] + kinds[history]) for history in after}
    chance: dict[Gram, float] = {(): 1 / len(counts[0])}
    lines = ["\\data\\", *(f"ngram {n}={len(grams)}" for n, grams in enumerate(counts, 1))]
    for length, grams in enumerate(counts, 1):
        lines += ["", f"\\{length}-grams:"]
        for gram, count in sorted(grams.items()):
            history = gram[:-1]
            new = share[history]
            chance[gram] = (1 - new) * count / after[history] + new * chance[gram[1:]]
            logarithm = _NEVER if gram == ("<s>",) else math.log10(chance[gram])
            backoff = f" {math.log10(share[gram]):.4f}" if gram in share else ""
            lines.append(f"{logarithm:.4f} {' '.join(gram)}{backoff if length < _ORDER else ''}")
    return "\n".join([*lines, "", "\\end\\", ""])
