"""Driving motions: the `avatar-motion/1` file and its exact sampling at any time."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtav.engines.avatar.channels import RANGES, Pose, both
from rtav.errors import EngineUnavailable

FORMAT = "avatar-motion/1"
MAX_DURATION_S = 600.0  # a clip is a gesture or an idle loop, not a film
MAX_DESCRIPTION = 500  # characters: a sentence
MAX_KEYS = 20_000  # per channel: ten minutes at more than 30 keys a second


@dataclass(frozen=True, slots=True)
class Track:
    """One channel's keys as a monotone cubic: it never leaves the range its keys span."""

    times: tuple[float, ...]
    values: tuple[float, ...]
    slopes: tuple[float, ...]

    def at(self, t: float) -> tuple[float, float]:
        """Value and rate of change (per second) at `t` seconds; still outside the keys."""
        times, values = self.times, self.values
        if t < times[0]:
            return values[0], 0.0
        if t >= times[-1]:
            return values[-1], 0.0
        i = bisect_right(times, t) - 1
        h = times[i + 1] - times[i]
        u = (t - times[i]) / h
        v0, v1, m0, m1 = values[i], values[i + 1], self.slopes[i], self.slopes[i + 1]
        value = (
            v0 * (1 + 2 * u) * (1 - u) ** 2
            + h * m0 * u * (1 - u) ** 2
            + v1 * u * u * (3 - 2 * u)
            + h * m1 * u * u * (u - 1)
        )
        rate = 6 * u * (1 - u) * (v1 - v0) / h + m0 * (1 - u) * (1 - 3 * u) + m1 * u * (3 * u - 2)
        return value, rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """A clip. `blend_in_s` is how long the pose before it takes to give way."""

    name: str
    description: str = ""
    duration_s: float
    loops: bool
    """Its end meets its beginning. Any clip can be repeated; this one is seamless by itself."""
    blend_in_s: float
    tracks: Mapping[str, Track]

    @property
    def blinks(self) -> bool:
        """It says itself when the eyes close: nobody blinks in the midst of a wink."""
        return any(name in self.tracks for name in both("eyeBlink"))

    def at(self, t: float) -> tuple[Pose, Pose]:
        """Values and rates of change (per second) of all its channels at `t` seconds."""
        values: Pose = {}
        rates: Pose = {}
        for name, track in self.tracks.items():
            values[name], rates[name] = track.at(t)
        return values, rates


def track(keys: Sequence[tuple[float, float]], *, closed: bool = False) -> Track:
    """Interpolate `keys`, (seconds, value) in rising order of time.

    `closed` gives the first and the last key the slope of a curve that goes round.
    """
    times = tuple(t for t, _ in keys)
    values = tuple(v for _, v in keys)
    chords = [(values[i + 1] - values[i]) / (times[i + 1] - times[i]) for i in range(len(keys) - 1)]
    slopes = [0.0] * len(keys)
    for i in range(1, len(keys) - 1):
        slopes[i] = _harmonic(chords[i - 1], chords[i])
    if closed and len(keys) > 2:
        slopes[0] = slopes[-1] = _harmonic(chords[-1], chords[0])
    return Track(times, values, tuple(slopes))


def read_motion(path: Path) -> Motion:
    """Read a motion file. Raises EngineUnavailable naming the file and what is wrong with it."""
    try:
        return parse_motion(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise EngineUnavailable("portrait", f"{path}: {error}") from error


def parse_motion(document: Any) -> Motion:  # Any: what a stranger's JSON holds
    """Build a motion from the JSON of its file. Raises ValueError saying what is wrong.

    Channels that no face knows are ignored.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"not an {FORMAT} document")
    name, loops, channels = (document.get(key) for key in ("name", "loop", "channels"))
    description = document.get("description", "")
    if not isinstance(name, str) or not name:
        raise ValueError("name must be a text")
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION:
        raise ValueError(f"description must be a text of at most {MAX_DESCRIPTION} characters")
    if not isinstance(loops, bool):
        raise ValueError("loop must be true or false")
    if not isinstance(channels, dict):
        raise ValueError("channels must be an object")
    duration_s = _number(document.get("duration"), "duration", 0.1, MAX_DURATION_S)
    return Motion(
        name=name,
        description=description,
        duration_s=duration_s,
        loops=loops,
        blend_in_s=_number(document.get("blend_in", 0.35), "blend_in", 0.05, 5.0),
        tracks={
            channel: track(_keys(channel, keys, duration_s), closed=loops)
            for channel, keys in channels.items()
            if channel in RANGES
        },
    )


def _keys(channel: str, keys: Any, duration_s: float) -> list[tuple[float, float]]:  # JSON
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
        raise ValueError(f"{channel}: must be a list of 1 to {MAX_KEYS} keys")
    low, high = RANGES[channel]
    checked: list[tuple[float, float]] = []
    for key in keys:
        if not isinstance(key, list) or len(key) != 2:
            raise ValueError(f"{channel}: a key is [seconds, value]")
        t = _number(key[0], f"{channel}: time", 0.0, duration_s)
        if checked and t <= checked[-1][0]:
            raise ValueError(f"{channel}: times must rise")
        checked.append((t, _number(key[1], f"{channel}: value", low, high)))
    return checked


def _number(value: Any, what: str, low: float, high: float) -> float:  # JSON
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{what} must be a number")
    if not low <= value <= high:
        raise ValueError(f"{what} must be {low:g} to {high:g}, not {value:g}")
    return float(value)


def _harmonic(a: float, b: float) -> float:
    """The slope at a key between two chords that keeps the curve monotone on both sides."""
    return 2 * a * b / (a + b) if a * b > 0 else 0.0
