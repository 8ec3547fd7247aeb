"""What an ear makes of sound: the loudness of 26 bands a hundred times a second, as it comes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

RATE_HZ = 16_000
HOP = 160  # 10 ms
FRAME = 400  # 25 ms
BANDS = 26
_FFT = 512
_LOW_HZ, _HIGH_HZ = 80.0, 7600.0
_FALL = 0.004  # of the peak per frame: 17 dB in ten seconds of silence
UNHEARD = -9.0  # below the peak nothing is told apart, 39 dB
_FAINTEST = -2.0  # log power: of a voice about 50 dB below full scale; what is fainter is silence


class Mel:
    """The bands of one stream. The pieces it comes in make no difference."""

    def __init__(self) -> None:
        self._rest: F32 = np.zeros(0, np.float32)
        self._peak = _FAINTEST

    def push(self, sound: F32) -> F32:
        """(n, BANDS): natural logarithms of power relative to the loudest of the last seconds.

        `sound` is at RATE_HZ, -1 to 1. Frame k is of the samples from k * HOP on, FRAME of them.
        """
        sound = np.concatenate((self._rest, sound))
        count = max(0, (len(sound) - FRAME) // HOP + 1)
        self._rest = sound[count * HOP :]
        if not count:
            return np.zeros((0, BANDS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[: count * HOP : HOP]
        power = np.square(np.abs(np.fft.rfft(frames * _WINDOW, _FFT))).astype(np.float32)
        bands = np.log(power @ _FILTERS + 1e-6)
        heard = bands - self._peaks(bands.max(1))[:, None]
        return np.asarray(np.clip(heard, UNHEARD, 1.0), np.float32)

    def _peaks(self, loudest: F32) -> F32:
        """The leaky peak at every frame: it rises at once and falls slowly."""
        fall = _FALL * np.arange(1, len(loudest) + 1, dtype=np.float32)
        risen = np.maximum.accumulate(np.maximum(loudest + fall, self._peak)) - fall
        peaks = np.maximum(risen, _FAINTEST)
        self._peak = float(peaks[-1])
        return np.asarray(peaks, np.float32)


def _mel_filters() -> F32:
    """(257, BANDS): triangles, even on the mel scale."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (_LOW_HZ, _HIGH_HZ))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    hz = np.linspace(0, RATE_HZ / 2, _FFT // 2 + 1)[:, None]
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(np.minimum(rising, falling), 0), np.float32)


_FILTERS = _mel_filters()
_WINDOW = np.hanning(FRAME).astype(np.float32)
