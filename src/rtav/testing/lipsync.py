"""Judges lip sync: what a film of a call shows and plays against what the voice said, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.channels import Pose
from rtav.engines.avatar.lips import mouth
from rtav.engines.base import TtsEngine, Viseme
from rtav.media.pcm import SESSION_RATE_HZ, Pcm
from rtav.runtime.film import say
from rtav.testing.filming import RATE_HZ, Film
from rtav.testing.gauge import CLOSED

F64 = NDArray[np.float64]

STRETCH_S = 0.5  # of the voice that is looked for in one piece: receivers stretch what they play
STEP_S = 0.25
SEARCH_S = 0.6  # how far from the stretch before one is looked for: half a second of stall
ALIKE = 0.8  # correlation from which on a stretch is found
WINDOW_S = 2.0  # of speech that an offset is told from
FEWEST_FRAMES = 12  # in a window
LAGS_S = np.arange(-0.2, 0.2001, 0.005)
GRID_S = 0.005  # of the mouth that was meant
FLUENT_S = 0.07  # from frame to frame at 25 fps, as browsers show them; more, and one is missing
CLOSURE_S = 0.02  # how far from a bilabial's ends its closure may be seen


@dataclass(frozen=True, slots=True)
class Said:
    """A reply as the voice made it. Positions are samples at SESSION_RATE_HZ."""

    pcm: Pcm
    visemes: Sequence[Viseme]

    @property
    def length_s(self) -> float:
        return len(self.pcm) / SESSION_RATE_HZ


async def voiced(text: str, tts: TtsEngine, *, voice: str) -> Said:
    """What a session that is to say `text` lays into its track. `tts` has been started."""
    track = (await say(text, tts=tts, voice=voice, motions={})).track
    return Said(track.read(0, track.length), tuple(track.visemes))


@dataclass(frozen=True, slots=True, kw_only=True)
class LipSync:
    """Of one reply. Offsets are seconds by which the picture is ahead of the sound."""

    offsets: F64
    """(windows, 2): when (page's time), and the offset of the mouth that is seen there from the
    one that was meant for what is heard; one for every `WINDOW_S` of speech."""
    skews: F64
    """(windows,): what the browser itself says of these moments. A browser that had no time for a
    packet delays the voice, and lets the picture follow within half a minute."""
    envelope: float
    """The same of the whole reply, against nothing but the loudness of what is heard."""
    likeness: float
    """Correlation of the mouths seen with the mouths meant, at the median offset."""
    closures: Sequence[bool | None]
    """For each /m b p/ that was heard: whether a frame shows the lips closed; None where a frame is
    missing."""
    heard: float
    """Share of the reply that was found in what was played."""


def judge(film: Film, said: Said, opening: F64, meant: Callable[[Pose], float]) -> LipSync:
    """`opening` (frames,) is how far the film's lips are apart, `meant` the same of a pose.

    Raises ValueError if the film does not hold the reply.
    """
    places, times = _heard(film, said)
    inside = (film.shown >= times[0]) & (film.shown <= times[-1])
    shown, opening = film.shown[inside], opening[inside]
    at = np.interp(shown, times, places)  # what is heard when each frame is shown, in seconds
    grid = np.arange(-0.5, said.length_s + 0.5, GRID_S)
    wanted = np.array([meant(_mouth(said, s)) for s in grid])
    offsets = []
    for start in np.arange(places[0], places[-1] - WINDOW_S, WINDOW_S):
        here = (at >= start) & (at < start + WINDOW_S)
        if here.sum() >= FEWEST_FRAMES:
            lag, _ = _lag(at[here], opening[here], grid, wanted)
            offsets.append((float(shown[here].mean()), lag))
    lags = np.array(offsets).reshape(-1, 2)
    middle = float(np.median(lags[:, 1])) if len(lags) else 0.0
    aligned = np.interp(at + middle, grid, wanted)
    steps = np.arange(0.0, said.length_s, STEP_S)
    return LipSync(
        offsets=lags,
        skews=np.interp(lags[:, 0], film.skew[:, 0], film.skew[:, 1]),
        envelope=_lag(at, opening, grid, _loudness(said, grid))[0],
        likeness=float(np.corrcoef(opening, aligned)[0, 1]),
        closures=_closures(said, at, opening),
        heard=float(np.mean(np.abs(steps[:, None] - places[None]).min(1) <= STEP_S)),
    )


def _mouth(said: Said, at_s: float) -> Pose:
    near = [
        v
        for v in said.visemes
        if v.end > (at_s - 0.5) * SESSION_RATE_HZ and v.start < (at_s + 0.5) * SESSION_RATE_HZ
    ]
    return mouth(at_s, near, rate_hz=SESSION_RATE_HZ)


def _lag(at: F64, opening: F64, grid: F64, wanted: F64) -> tuple[float, float]:
    """The lag at which `wanted` is most alike to what is seen, and the correlation there."""
    alike = np.array(
        [np.corrcoef(opening, np.interp(at + lag, grid, wanted))[0, 1] for lag in LAGS_S]
    )
    best = int(np.nan_to_num(alike, nan=-1.0).argmax())
    lag = float(LAGS_S[best])
    if 0 < best < len(LAGS_S) - 1:
        a, b, c = alike[best - 1 : best + 2]
        lag += 0.5 * (a - c) / (a - 2 * b + c) * float(LAGS_S[1] - LAGS_S[0])
    return lag, float(alike[best])


def _heard(film: Film, said: Said) -> tuple[F64, F64]:
    """Places in the reply (seconds) and when they were heard (page's time), both rising."""
    ratio = SESSION_RATE_HZ // RATE_HZ
    voice = said.pcm[: len(said.pcm) // ratio * ratio].reshape(-1, ratio).mean(1)
    size, step, search = (round(s * RATE_HZ) for s in (STRETCH_S, STEP_S, SEARCH_S))
    found: list[tuple[float, float]] = []
    ahead: int | None = None  # of a place in the voice is its place in the film, in samples
    for start in range(0, len(voice) - size, step):
        stretch = voice[start : start + size]
        first = 0 if ahead is None else max(0, start + ahead - search)
        last = len(film.sound) if ahead is None else start + ahead + size + search
        place, likeness = _find(stretch, film.sound[first:last])
        if likeness >= ALIKE:
            ahead = first + place - start
            middle = size / 2
            found.append(((start + middle) / RATE_HZ, film.when(first + place + middle)))
    rising = [pair for i, pair in enumerate(found) if i == 0 or pair[1] > found[i - 1][1]]
    if len(rising) < 2:
        raise ValueError("the reply is not in the film")
    places, times = np.array(rising).T
    return places, times


def _find(stretch: F64, sound: F64) -> tuple[int, float]:
    """Where in `sound` the stretch is, and how alike it is there, up to 1."""
    n, size = len(sound) + len(stretch), len(stretch)
    if len(sound) < size or not stretch.any():
        return 0, 0.0
    spectrum = np.fft.rfft(sound, n) * np.conj(np.fft.rfft(stretch, n))
    power = np.cumsum(np.concatenate(([0.0], np.square(sound))))
    norm = np.sqrt(np.maximum(power[size:] - power[:-size], 1.0) * np.square(stretch).sum())
    alike = np.fft.irfft(spectrum, n)[: len(sound) - size + 1] / norm
    first = int((alike >= 0.95 * alike.max()).argmax())  # what is said twice is heard twice
    place = first + int(alike[first : first + size // 8].argmax())
    return place, float(alike[place])


def _loudness(said: Said, grid: F64) -> F64:
    """Of what is heard, smoothed to what a jaw can follow; in decibels above a whisper."""
    hop = round(GRID_S * SESSION_RATE_HZ)
    power = np.square(said.pcm.astype(np.float64))
    power = power[: len(power) // hop * hop].reshape(-1, hop).mean(1)
    smooth = np.convolve(power, np.hanning(23) / np.hanning(23).sum(), "same")
    times = (np.arange(len(smooth)) + 0.5) * GRID_S
    loud = 10 * np.log10(smooth + 1e4)
    return np.asarray(np.interp(grid, times, loud, left=40.0, right=40.0), np.float64)


def _closures(said: Said, at: F64, opening: F64) -> list[bool | None]:
    """A frame is seen until the next one is."""
    ends = np.append(at[1:], at[-1:])
    seen: list[bool | None] = []
    for v in said.visemes:
        start = v.start / SESSION_RATE_HZ - CLOSURE_S
        end = v.end / SESSION_RATE_HZ + CLOSURE_S
        if v.name == "PP" and at[0] <= start and end <= at[-1]:
            shown = (at < end) & (ends > start)
            is_closed = bool((opening[shown] < CLOSED).any())
            is_fluent = bool((ends - at)[shown].max() <= FLUENT_S)
            seen.append(is_closed if is_fluent else None)
    return seen
