"""Hears visemes in the sound of a voice that does not say when it makes which sound.

A small network looks at 100 ms of sound around each hundredth of a second, 42 ms of them ahead.
`tools/lips/train.py` makes its table from speech that our own synthesisers say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr

import rtav
from rtav.engines.base import VISEMES, Viseme
from rtav.engines.mel import BANDS, F32, FRAME, HOP, RATE_HZ, UNHEARD, Mel
from rtav.media.pcm import Pcm

TABLE = Path(rtav.__file__).parent / "assets" / "lips" / "by_ear.npz"
FORMAT = "lips-by-ear/1"
PAST, AHEAD = 6, 3  # frames of context; ahead they are 50 ms, 42 from a frame's middle
HIDDEN = 128
SWITCH = 0.7  # how much likelier another sound must become, in all, before it is believed
WAKE = 3.0  # the same for the first sound after silence: a mouth must not open for noise


@dataclass(frozen=True, slots=True)
class Table:
    """The network: (PAST + 1 + AHEAD) * BANDS inputs, HIDDEN rectifiers, one output per viseme."""

    mean: F32
    scale: F32
    hidden: F32
    hidden_bias: F32
    out: F32
    out_bias: F32

    def scores(self, context: F32) -> F32:
        """Logarithms of likelihoods, (n, 15), of contexts (n, inputs)."""
        seen = np.maximum(((context - self.mean) * self.scale) @ self.hidden + self.hidden_bias, 0)
        scores = seen @ self.out + self.out_bias
        scores -= scores.max(1, keepdims=True)
        return np.asarray(scores - np.log(np.exp(scores).sum(1, keepdims=True)), np.float32)


INPUTS = (PAST + 1 + AHEAD) * BANDS
SHAPES = {
    "mean": (INPUTS,),
    "scale": (INPUTS,),
    "hidden": (INPUTS, HIDDEN),
    "hidden_bias": (HIDDEN,),
    "out": (HIDDEN, len(VISEMES)),
    "out_bias": (len(VISEMES),),
}


def read_table(path: Path) -> Table:
    """Raises ValueError for a file that is not such a table, OSError if there is none."""
    with np.load(path, allow_pickle=False) as file:
        if "format" not in file or str(file["format"]) != FORMAT:
            raise ValueError(f"{path.name} is not {FORMAT}")
        arrays = {name: np.asarray(file[name], np.float32) for name in SHAPES}
    for name, array in arrays.items():
        if array.shape != SHAPES[name] or not np.isfinite(array).all():
            raise ValueError(f"{path.name}: {name} must be {SHAPES[name]} finite numbers")
    return Table(**arrays)


@cache
def our_table() -> Table:
    """The one that comes with rtav."""
    return read_table(TABLE)


class ByEar:
    """The visemes of one stretch of speech, at any rate, as it comes."""

    def __init__(self, rate_hz: int, table: Table) -> None:
        self._rate_hz, self._table = rate_hz, table
        self._resampler, self._mel = _Resampler(rate_hz), Mel()
        self._context: F32 = np.full((PAST, BANDS), UNHEARD, np.float32)
        self._likely = np.full(len(VISEMES), -WAKE, np.float32)
        self._likely[0] = 0.0  # it begins with silence
        self._pushed = 0  # samples
        self._decided = 0  # frames
        self._told = 0  # samples

    @property
    def told(self) -> int:
        """Up to this sample every viseme has been told."""
        return self._told

    def push(self, pcm: Pcm) -> Sequence[Viseme]:
        """What is made in the stretch from `told` on, as far as it is known. A sound that goes on
        is told in pieces."""
        self._pushed += len(pcm)
        return self._hear(self._resampler.push(pcm))

    def flush(self) -> Sequence[Viseme]:
        """The speech is over: what is left of it. Nothing may be pushed any more."""
        silence = np.zeros((AHEAD + 1) * HOP + FRAME, np.float32)
        return self._hear(np.concatenate((self._resampler.flush(), silence)))

    def _hear(self, pcm: F32) -> Sequence[Viseme]:
        self._context = np.concatenate((self._context, self._mel.push(pcm)))
        count = max(0, len(self._context) - PAST - AHEAD)
        if not count:
            return ()
        windows = np.lib.stride_tricks.sliding_window_view(self._context, PAST + 1 + AHEAD, axis=0)
        contexts = windows.transpose(0, 2, 1).reshape(count, INPUTS)  # (count, time, band)
        names = [VISEMES[self._believe(frame)] for frame in self._table.scores(contexts)]
        self._context = self._context[count:]
        return self._segments(names)

    def _believe(self, scores: F32) -> int:
        """Another sound is believed when it has become `SWITCH` likelier than the present one."""
        likely = self._likely
        silence, sound = float(likely[0]), float(likely[1:].max())
        np.maximum(likely, max(sound - SWITCH, silence - WAKE), out=likely)
        likely[0] = max(silence, sound - SWITCH)
        likely += scores
        best = int(likely.argmax())
        likely -= likely[best]
        return best

    def _segments(self, names: Sequence[str]) -> Sequence[Viseme]:
        told: list[Viseme] = []
        for name in names:
            self._decided += 1
            middle = self._decided * HOP + (FRAME - HOP) / 2  # between this frame and the next
            start, end = self._told, min(round(middle * self._rate_hz / RATE_HZ), self._pushed)
            if told and told[-1].name == name:
                told[-1] = Viseme(name=name, start=told[-1].start, end=end)
            elif start < end:
                told.append(Viseme(name=name, start=start, end=end))
            self._told = end
        return told


class _Resampler:
    """int16 at any rate to RATE_HZ, -1 to 1. In whole numbers the pieces would make a difference:
    they are dithered."""

    def __init__(self, rate_hz: int) -> None:
        self._stream: soxr.ResampleStream | None = None
        if rate_hz != RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")

    def push(self, pcm: Pcm) -> F32:
        return self._resampled(pcm, last=False)

    def flush(self) -> F32:
        return self._resampled(np.zeros(0, np.int16), last=True)

    def _resampled(self, pcm: Pcm, *, last: bool) -> F32:
        sound: F32 = pcm.astype(np.float32) / np.float32(32768)
        if self._stream is not None:
            return np.asarray(self._stream.resample_chunk(sound, last=last), np.float32)
        return sound
