"""What is played next, sample by sample: the tracks of replies, one behind the other."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from rtav.engines.base import Accent, Moment, Mood, Viseme
from rtav.media.pcm import SESSION_RATE_HZ, TICK_SAMPLES, Pcm
from rtav.runtime.prosody import Prosody

FADE_SAMPLES = SESSION_RATE_HZ // 200
"""5 ms: a cut without it clicks."""

WINDOW_SAMPLES = SESSION_RATE_HZ // 2
"""The visemes a face is shown to both sides of the voice: mouths move ahead of the sound."""

SYLLABLE_SAMPLES = SESSION_RATE_HZ // 8
"""What loudness is of: shorter, it would be that of single sounds; longer, nothing is stressed."""

AHEAD_SAMPLES = 30 * SESSION_RATE_HZ
"""How much of a reply is spoken before it is played; more would be wasted when it is cut."""


@dataclass(slots=True, eq=False)
class Track:
    """One reply's voice. Positions are samples from its own beginning."""

    turn: int
    pieces: list[Pcm] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    length: int = 0
    played: int = 0
    visemes: list[Viseme] = field(default_factory=list)
    loudest: float = 0.0
    """Mean power of the loudest syllable so far."""
    accents: list[Accent] = field(default_factory=list)
    _prosody: Prosody = field(default_factory=Prosody)
    is_whole: bool = False
    """What it has is all there will be."""

    def add(self, pcm: Pcm, visemes: Sequence[Viseme]) -> None:
        """Lengthen the track. `visemes` are at positions of the track, after those before."""
        if pcm.size:
            self.starts.append(self.length)
            self.pieces.append(pcm)
            self.length += pcm.size
            power = np.square(pcm, dtype=np.float32)
            syllables = np.add.reduceat(power, np.arange(0, pcm.size, SYLLABLE_SAMPLES))
            self.loudest = max(self.loudest, float(syllables.max()) / SYLLABLE_SAMPLES)
        self.visemes.extend(visemes)
        self.accents.extend(self._prosody.hear(pcm, visemes))

    def read(self, start: int, count: int) -> Pcm:
        """Samples from `start` on, fewer than `count` at the end; what was forgotten is gone."""
        parts, end = [], min(start + count, self.length)
        index = max(0, bisect_right(self.starts, start) - 1)
        while start < end:
            piece, offset = self.pieces[index], start - self.starts[index]
            part = piece[offset : offset + end - start]
            parts.append(part)
            start += part.size
            index += 1
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def loudness(self, position: int) -> float:
        """See `Moment`."""
        start = max(position - SYLLABLE_SAMPLES // 2, self.starts[0])
        pcm = self.read(start, position + SYLLABLE_SAMPLES // 2 - start)
        power = float(np.square(pcm, dtype=np.float32).sum()) / SYLLABLE_SAMPLES
        return min(1.0, math.sqrt(power / max(self.loudest, 1.0)))

    def forget_played(self) -> None:
        """Let go of what lies behind."""
        while len(self.starts) > 1 and self.starts[1] <= self.played:
            del self.starts[0], self.pieces[0]
        cut = bisect_left(self.visemes, self.played - WINDOW_SAMPLES, key=lambda v: v.end)
        del self.visemes[:cut]
        del self.accents[: bisect_left(self.accents, self.played - WINDOW_SAMPLES, key=_at)]

    def around(self, position: int) -> tuple[Viseme, ...]:
        first = bisect_left(self.visemes, position - WINDOW_SAMPLES, key=lambda v: v.end)
        last = bisect_left(self.visemes, position + WINDOW_SAMPLES, key=lambda v: v.start)
        return tuple(self.visemes[first:last])

    def stresses(self, position: int) -> tuple[Accent, ...]:
        first = bisect_left(self.accents, position - WINDOW_SAMPLES, key=_at)
        last = bisect_left(self.accents, position + WINDOW_SAMPLES, key=_at)
        return tuple(self.accents[first:last])


class Playout:
    """The audio source of a call's clock, and the only one who knows what has been played.

    `on_played(turn, upto)` is called from within `read`, once for each turn that got further.
    """

    def __init__(self, on_played: Callable[[int, int], None]) -> None:
        self._on_played = on_played
        self._tracks: dict[int, Track] = {}
        self._queue: deque[Track] = deque()
        """Those that may be played, in the order in which that was said."""
        self._is_held = False
        self._rises = False
        self._moved = asyncio.Event()
        self._tail: Pcm | None = None
        self._shown: tuple[Track, int, int] | None = None
        """The track that sounds now: which, its position, and the call's clock there."""
        self.mood: Mood = "idle"
        self.pause_at: int | None = None
        """See `Moment`."""

    # --- from the engines --------------------------------------------------------------------

    def track(self, turn: int) -> Track:
        """The track of a turn, made when it is first asked for."""
        return self._tracks.setdefault(turn, Track(turn))

    @property
    def turns(self) -> Collection[int]:
        """Those whose tracks are neither through nor void."""
        return self._tracks.keys()

    async def room(self, track: Track) -> None:
        """Wait until less than AHEAD_SAMPLES of the track wait to be played."""
        while track.length - track.played > AHEAD_SAMPLES:
            self._moved.clear()
            await self._moved.wait()

    # --- from the session --------------------------------------------------------------------

    def play(self, turn: int) -> None:
        """Play the track of a turn once those before it are through."""
        self._queue.append(self.track(turn))

    def void(self, turn: int) -> None:
        """Drop a track; its next 5 ms fade out if it was sounding."""
        track = self._tracks.pop(turn, None)
        if track is None:
            return
        if track in self._queue:
            self._queue.remove(track)
        if self._shown is not None and self._shown[0] is track:
            self._fade_out(track)

    def hold(self) -> None:
        """Fade out within 5 ms and stay where it was; `resume` plays the faded part again."""
        self._is_held = True
        if self._shown is not None:
            self._fade_out(self._shown[0])

    def resume(self) -> None:
        self._rises = self._rises or self._is_held
        self._is_held = False

    # --- from the clock ----------------------------------------------------------------------

    def read(self, at: int) -> Pcm | None:
        """The tick that begins at sample `at` of the call; None is silence."""
        tail, self._tail = self._tail, None
        if tail is not None:
            return np.concatenate((tail, np.zeros(TICK_SAMPLES - tail.size, np.int16)))
        track = self._sounding()
        if track is None:
            self._shown = None
            return None
        pcm = track.read(track.played, TICK_SAMPLES)
        self._shown = (track, track.played, at)
        track.played += pcm.size
        track.forget_played()
        if pcm.size < TICK_SAMPLES:
            pcm = np.concatenate((pcm, np.zeros(TICK_SAMPLES - pcm.size, np.int16)))
        if self._rises:
            self._rises = False
            pcm[:FADE_SAMPLES] = pcm[:FADE_SAMPLES] * _RISE
        self._report(track)
        return pcm

    def moment(self, at: int) -> Moment:
        """What the face shows at sample `at` of the call, at most some ticks ahead of `read`."""
        if self._shown is None:
            return Moment(at=at, mood=self.mood, pause_at=self.pause_at)
        track, position, since = self._shown
        speech_at = position + at - since
        if speech_at >= track.length:
            return Moment(at=at, mood=self.mood, pause_at=self.pause_at)
        return Moment(
            at=at,
            speech_at=speech_at,
            visemes=track.around(speech_at),
            loudness=track.loudness(speech_at),
            accents=track.stresses(speech_at),
            mood="speaking",
        )

    @property
    def sounding(self) -> int | None:
        """The turn whose track sounds now."""
        return None if self._shown is None else self._shown[0].turn

    # --- pieces ------------------------------------------------------------------------------

    def _sounding(self) -> Track | None:
        """The first track of the queue, if it has a whole tick or its end to give."""
        while self._queue and not self._is_held:
            track = self._queue[0]
            rest = track.length - track.played
            if rest >= TICK_SAMPLES or (rest and track.is_whole):
                return track
            if not track.is_whole:
                return None
            self._queue.popleft()
            del self._tracks[track.turn]
        return None

    def _report(self, track: Track) -> None:
        self._moved.set()
        self._on_played(track.turn, track.played)

    def _fade_out(self, track: Track) -> None:
        """Nothing sounds from now on but the next 5 ms of the track, falling."""
        pcm = track.read(track.played, FADE_SAMPLES)
        self._tail = (pcm * _RISE[::-1][: pcm.size]).astype(np.int16)
        self._shown = None


def _at(accent: Accent) -> int:
    return accent.at


_RISE = np.linspace(0.0, 1.0, FADE_SAMPLES, dtype=np.float32)
