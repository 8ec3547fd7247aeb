"""What can be said about words while they are still being recognised."""

from __future__ import annotations

import re

TRAILING = frozenset(
    "a an the and or but so because if when while that which who of to in on at by for from with "
    "about into is are was were am be my your his her its our their this these those i we you they "
    "he she it's i'm can could would should will does not very some any um uh er like then "
    "than as please let's what's".split()
)
"""Words that English sentences go on from: after one of them the caller is thinking, not done."""

ALONE = frozenset("this these that those you it i'm please".split())
"""Of those, the ones that may well end a sentence that has others before them."""


def sounds_finished(text: str) -> bool:
    """Whether these words could be all of it. Errs towards patience: False only costs 300 ms."""
    words = re.findall(r"[a-z']+", text.lower())
    if not words:
        return False
    last = words[-1]
    if last in ALONE and len(words) > 1:
        return True
    return last not in TRAILING


class Agreement:
    """Deltas out of hypotheses that may be revised, although deltas cannot.

    A word is given out once two successive hypotheses agree on it and on all before it.
    """

    def __init__(self) -> None:
        self._last: list[str] = []
        self._given: list[str] = []

    def hear(self, text: str) -> str:
        """The words of the latest hypothesis that are certain now, as a delta; often empty."""
        words = text.split()
        agreed = 0
        for old, new in zip(self._last, words, strict=False):
            if old != new:
                break
            agreed += 1
        self._last = words
        if agreed <= len(self._given) or words[: len(self._given)] != self._given:
            return ""
        return self._give(words[len(self._given) : agreed])

    def settle(self, text: str) -> str:
        """What the final text has beyond the deltas; empty where it contradicts them."""
        words = text.split()
        if words[: len(self._given)] != self._given:
            return ""
        return self._give(words[len(self._given) :])

    def _give(self, words: list[str]) -> str:
        if not words:
            return ""
        lead = " " if self._given else ""
        self._given += words
        return lead + " ".join(words)
