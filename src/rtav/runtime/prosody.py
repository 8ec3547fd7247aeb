"""Where a voice stresses: syllables that are louder and longer than those before them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from rtav.engines.base import Accent, Viseme
from rtav.media.pcm import SESSION_RATE_HZ, Pcm

VOWELS = frozenset(("aa", "E", "I", "O", "U"))
MEMORY = 0.12  # of the running means, a vowel: some eight vowels
STRESS = 1.12  # loudness times length, against the mean, that makes a stress
FULL = 1.7  # the same for one that could not be stronger
GAP_S = 0.45  # from one to the next at least: heads follow phrases, not every syllable
WAITING = 200  # vowels whose sound has not come yet, at most


class Prosody:
    """Hears one track as it grows."""

    def __init__(self) -> None:
        self._waiting: deque[Viseme] = deque(maxlen=WAITING)
        self._recent: Pcm = np.zeros(0, np.int16)
        self._begin = 0
        """Where `_recent` begins, in samples of the track."""
        self._mean = 0.0
        self._last = -SESSION_RATE_HZ

    def hear(self, pcm: Pcm, visemes: Sequence[Viseme]) -> list[Accent]:
        """Take what the track is lengthened by; return the stresses found meanwhile.

        `visemes` may be ahead of their sound, never behind it.
        """
        self._waiting.extend(v for v in visemes if v.name in VOWELS and v.end > v.start)
        self._recent = np.concatenate((self._recent, pcm))
        end = self._begin + self._recent.size
        found = []
        while self._waiting and self._waiting[0].end <= end:
            accent = self._weigh(self._waiting.popleft())
            if accent is not None:
                found.append(accent)
        keep = min(end, self._waiting[0].start) if self._waiting else end
        self._recent = self._recent[max(0, keep - self._begin) :]
        self._begin = max(self._begin, keep)
        return found

    def _weigh(self, vowel: Viseme) -> Accent | None:
        first = max(0, vowel.start - self._begin)
        sound = self._recent[first : vowel.end - self._begin].astype(np.float32)
        if not sound.size:
            return None
        loudness = float(np.sqrt(np.mean(sound * sound)))
        # longer counts less than louder: the last syllable of a phrase is long and weak
        weight = loudness * (vowel.end - vowel.start) ** 0.5
        mean = self._mean or weight
        self._mean = mean + MEMORY * (weight - mean)
        relation = weight / max(mean, 1.0)
        if relation < STRESS or vowel.start - self._last < GAP_S * SESSION_RATE_HZ:
            return None
        self._last = vowel.start
        strength = min(1.0, 0.35 + 0.65 * (relation - STRESS) / (FULL - STRESS))
        return Accent(at=(vowel.start + vowel.end) // 2, strength=strength)
