"""A text that is said and shown without a call: the same voice, mouth and face, frame by frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rtav.engines.base import Avatar, TtsEngine
from rtav.engines.text import ClauseChunker, Cue, CueFilter
from rtav.media.pcm import I420, SESSION_RATE_HZ, TICK_SAMPLES, Pcm
from rtav.runtime.clause import ClauseOnTrack, pause_after, speech
from rtav.runtime.playout import Playout, Track

LEAD_S = 0.5  # at rest before the first word: a player shows its first frame for a while
TAIL_S = 1.0  # after the last: the mouth closes, the head comes back
_TURN = 0


@dataclass(frozen=True, slots=True)
class Gesture:
    """A motion that is played once from `at` on, in samples of the track."""

    at: int
    motion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """20 ms of a film."""

    at: int
    """Samples at SESSION_RATE_HZ since the film began."""
    pcm: Pcm
    """TICK_SAMPLES."""
    frames: Sequence[tuple[int, I420]]
    """The frames that are due within, each with its sample."""


@dataclass(slots=True, kw_only=True)
class Film:
    """What was said of a text, ready to be shown. It is shown once."""

    playout: Playout
    track: Track
    gestures: Sequence[Gesture]

    @property
    def length(self) -> int:
        """Samples at SESSION_RATE_HZ, in whole ticks."""
        return _LEAD + -(-self.track.length // TICK_SAMPLES) * TICK_SAMPLES + _TAIL

    def shots(self, avatar: Avatar, *, fps: int, motions: Sequence[str]) -> Iterator[Shot]:
        """From the first tick to the last, as the clock of a call asks for them.

        `motions`: played as `Avatar.drive` says; the last of them loops, also after gestures.
        """
        avatar.drive(motions, at=0)
        gestures = list(self.gestures)
        for at in range(0, self.length, TICK_SAMPLES):
            if at == _LEAD:
                self.playout.play(_TURN)
            while gestures and gestures[0].at + _LEAD <= at:
                avatar.drive((gestures.pop(0).motion, motions[-1]), at=at)
            pcm = self.playout.read(at)
            first = -(-at * fps // SESSION_RATE_HZ)
            last = -(-(at + TICK_SAMPLES) * fps // SESSION_RATE_HZ)
            dues = [number * SESSION_RATE_HZ // fps for number in range(first, last)]
            yield Shot(
                at=at,
                pcm=np.zeros(TICK_SAMPLES, np.int16) if pcm is None else pcm,
                frames=[(due, avatar.render(self.playout.moment(due))) for due in dues],
            )


async def say(text: str, *, tts: TtsEngine, voice: str, motions: Mapping[str, str]) -> Film:
    """Speak all of `text`; cues in it, such as `[Wink]`, are gestures where they stand.

    `motions`: what a cue may name, in lower case, and the motion it means. All of the sound is
    kept; there is none if nothing of the text can be said. Raises EngineFailed, EngineTimeout.
    """
    playout = Playout(lambda _turn, _upto: None)
    track = playout.track(_TURN)
    reading = _Reading()
    pause_s = 0.0
    for clause in _clauses(text, motions, reading):
        laid = ClauseOnTrack(clause, track, rate_hz=tts.rate_hz, pause_s=pause_s)
        async with speech(clause, tts, voice=voice) as stretches:
            async for stretch in stretches:
                reading.heard([(word.text, word.start) for word in laid.lay(stretch).words])
        reading.heard([(word.text, word.start) for word in laid.finish().words])
        if laid.is_heard:
            pause_s = pause_after(clause)
    track.is_whole = True
    return Film(playout=playout, track=track, gestures=reading.gestures(track.length))


@dataclass(slots=True)
class _Reading:
    """Where in the text things stand, and when that is said."""

    cues: list[tuple[int, str]] = field(default_factory=list)
    """Characters of the spoken text before each cue, and its motion."""
    ends: list[int] = field(default_factory=list)
    """Characters up to the end of each word."""
    starts: list[int] = field(default_factory=list)
    """When each word begins, in samples of the track."""

    def heard(self, words: Sequence[tuple[str, int]]) -> None:
        for text, start in words:
            self.ends.append((self.ends[-1] if self.ends else 0) + len(text))
            self.starts.append(start)

    def gestures(self, length: int) -> list[Gesture]:
        """Each at the beginning of the word behind it; `length` is where the track ends."""
        found = []
        for chars, motion in self.cues:
            word = bisect_right(self.ends, chars)
            found.append(Gesture(self.starts[word] if word < len(self.starts) else length, motion))
        return found


def _clauses(text: str, motions: Mapping[str, str], reading: _Reading) -> list[str]:
    """What is spoken at a time; the cues between are noted in `reading`."""
    cues, chunker = CueFilter(), ClauseChunker()
    pieces: list[str | Cue] = [*cues.push(text, lambda name: name.lower() in motions), cues.flush()]
    clauses, chars = [], 0
    for piece in pieces:
        if isinstance(piece, Cue):
            reading.cues.append((chars, motions[piece.name.lower()]))
        else:
            clauses += chunker.push(piece)
            chars += len(piece)
    return clauses + chunker.flush()


_LEAD = round(LEAD_S * SESSION_RATE_HZ) // TICK_SAMPLES * TICK_SAMPLES
_TAIL = round(TAIL_S * SESSION_RATE_HZ) // TICK_SAMPLES * TICK_SAMPLES
