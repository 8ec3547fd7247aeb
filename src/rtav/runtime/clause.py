"""One clause on its way into a track: at the track's rate, behind what was said before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtav.core.inputs import Spoken, SpokenWord
from rtav.engines.base import Speech, TtsEngine, Viseme
from rtav.engines.lip_reading import with_visemes
from rtav.media.pcm import SESSION_RATE_HZ
from rtav.media.resample import Resampler
from rtav.runtime.playout import Track
from rtav.runtime.streams import EngineStream

SPEECH_S = 10.0
"""The longest wait for the next stretch of a clause's speech."""

PAUSES_S = {".": 0.2, "!": 0.2, "?": 0.2, "…": 0.2, ":": 0.14, ";": 0.14, ",": 0.08}
"""Silence after a clause, by the mark that ends it: voices trim their own."""

OTHER_PAUSE_S = 0.06

_CLOSERS = "\"'”’»)]} \n"


class ClauseOnTrack:
    """Takes the speech of one clause (at `rate_hz`) as the voice makes it; says what to tell."""

    def __init__(self, clause: str, track: Track, *, rate_hz: int, pause_s: float) -> None:
        """`pause_s` of silence go before it, unless there is nothing to hear of it."""
        self._clause, self._track = clause, track
        self._resampler = Resampler(rate_hz, SESSION_RATE_HZ)
        self._ratio = SESSION_RATE_HZ / rate_hz
        self._pause_s = pause_s
        self._begin: int | None = None
        self._told = 0

    @property
    def is_heard(self) -> bool:
        """The voice had something to say."""
        return self._begin is not None

    def lay(self, speech: Speech) -> Spoken:
        """Lengthen the track by the next stretch."""
        if self._begin is None:
            self._track.add(np.zeros(int(self._pause_s * SESSION_RATE_HZ), np.int16), ())
            self._begin = self._track.length
        visemes = [
            Viseme(name=shape.name, start=self._at(shape.start), end=self._at(shape.end))
            for shape in speech.visemes
        ]
        self._track.add(self._resampler.push(speech.pcm), visemes)
        self._told += sum(len(word.text) for word in speech.words)
        words = tuple(
            SpokenWord(text=word.text, start=self._at(word.start), end=self._at(word.end))
            for word in speech.words
        )
        return Spoken(turn=self._track.turn, end=self._track.length, words=words)

    def finish(self) -> Spoken:
        """The voice has said all it will. What it left out is told too, as a word of no length:
        the transcript is the whole text."""
        if self._begin is not None:
            self._track.add(self._resampler.flush(), ())
        end = self._track.length
        rest = self._clause[self._told :]
        words = (SpokenWord(text=rest, start=end, end=end),) if rest else ()
        return Spoken(turn=self._track.turn, end=end, words=words)

    def _at(self, position: int) -> int:
        """A position of the clause's speech as one of the track."""
        assert self._begin is not None, "nothing has a place before the first stretch"
        return self._begin + round(position * self._ratio)


def speech(
    clause: str,
    tts: TtsEngine,
    *,
    voice: str,
    speed: float = 1.0,
    on_first: Callable[[float], None] | None = None,
) -> EngineStream[Speech]:
    """What the voice makes of a clause, visemes included, for `ClauseOnTrack`."""
    return EngineStream(
        with_visemes(tts.speak(clause, voice=voice, speed=speed), rate_hz=tts.rate_hz),
        engine=tts.capabilities.name,
        next_s=SPEECH_S,
        on_first=on_first,
    )


def pause_after(clause: str) -> float:
    """Seconds of silence that belong behind a clause."""
    return PAUSES_S.get(clause.rstrip(_CLOSERS)[-1:], OTHER_PAUSE_S)
