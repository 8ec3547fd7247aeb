"""Change the rate of a stream of samples."""

from __future__ import annotations

import numpy as np
import soxr

from rtav.media.pcm import Pcm


class Resampler:
    """int16 mono from `rate_in_hz` to `rate_out_hz`, in pieces of any length.

    The pieces that come out are late and of other lengths than those that went in, but together
    with what `flush` returns they are the whole stream. Equal rates cost nothing.
    """

    def __init__(self, rate_in_hz: int, rate_out_hz: int) -> None:
        self._stream = (
            None
            if rate_in_hz == rate_out_hz
            else soxr.ResampleStream(rate_in_hz, rate_out_hz, 1, dtype="int16", quality="HQ")
        )

    def push(self, pcm: Pcm) -> Pcm:
        return pcm if self._stream is None else self._resample(pcm, last=False)

    def flush(self) -> Pcm:
        """What is still inside. The stream is over; the next `push` begins another."""
        return _EMPTY if self._stream is None else self._resample(_EMPTY, last=True)

    def _resample(self, pcm: Pcm, *, last: bool) -> Pcm:
        assert self._stream is not None
        resampled: Pcm = self._stream.resample_chunk(pcm, last=last)
        if last:
            self._stream.clear()
        return resampled


_EMPTY: Pcm = np.zeros(0, np.int16)
