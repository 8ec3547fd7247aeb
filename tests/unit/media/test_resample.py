from __future__ import annotations

import numpy as np
import pytest

from rtav.media.resample import Resampler


def test_a_second_stays_a_second_and_keeps_its_tone() -> None:
    at = np.arange(22_050) / 22_050
    voice = (8_000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)
    resampler = Resampler(22_050, 24_000)

    pieces = [resampler.push(voice[start : start + 777]) for start in range(0, 22_050, 777)]
    pcm = np.concatenate([*pieces, resampler.flush()])

    assert pcm.dtype == np.int16
    assert pcm.size == 24_000
    spectrum = np.abs(np.fft.rfft(pcm))
    assert int(np.argmax(spectrum)) == 440
    assert np.abs(pcm[2_000:-2_000]).max() == pytest.approx(8_000, abs=20)


def test_equal_rates_change_nothing() -> None:
    resampler = Resampler(24_000, 24_000)
    voice = np.array([1, -2, 3], np.int16)

    assert resampler.push(voice).tolist() == [1, -2, 3]
    assert resampler.flush().size == 0


def test_after_a_flush_another_stream_begins() -> None:
    resampler = Resampler(16_000, 24_000)
    loud = np.full(1_600, 20_000, np.int16)
    resampler.push(loud)
    resampler.flush()

    pcm = np.concatenate([resampler.push(np.zeros(1_600, np.int16)), resampler.flush()])

    assert pcm.size == 2_400
    assert np.abs(pcm).max() <= 1  # dither
