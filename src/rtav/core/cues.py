"""Motions that a reply's text asks for, each played where it stands in what is said."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from rtav.core.inputs import SpokenWord

MAX_CUES = 64
"""That wait: what a model asks for beyond them is nothing a face could do."""


@dataclass(slots=True)
class Cues:
    """Of one reply. `after` counts the characters of its text that stand before a cue."""

    _waiting: list[tuple[int, str]] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    """Characters up to the end of each word."""

    def add(self, motion: str, *, after: int) -> None:
        if len(self._waiting) < MAX_CUES:
            insort(self._waiting, (after, motion), key=lambda cue: cue[0])

    def due(self, words: Sequence[SpokenWord], *, played: int) -> list[str]:
        """Those whose next word has begun, in order: `played` samples of the track were.

        `words` are all that are known of the track; what was said of them never changes.
        """
        found = []
        while self._waiting:
            after, motion = self._waiting[0]
            word = self._word_at(after, words)
            if word is None or played < word.start:
                break
            found.append(motion)
            del self._waiting[0]
        return found

    def rest(self) -> list[str]:
        """All that are left: nothing more will be said."""
        left, self._waiting = self._waiting, []
        return [motion for _, motion in left]

    def forget(self) -> None:
        """What they stand in is not said any more."""
        self._waiting.clear()

    def _word_at(self, after: int, words: Sequence[SpokenWord]) -> SpokenWord | None:
        """The word that holds this character; None: it is not known yet."""
        for word in words[len(self._ends) :]:
            self._ends.append((self._ends[-1] if self._ends else 0) + len(word.text))
        index = bisect_right(self._ends, after)
        return words[index] if index < len(words) else None
