from __future__ import annotations

import numpy as np
import pytest

from rtav.media.denoise import Denoiser
from rtav.media.pcm import MIC_RATE_HZ, Pcm


def hiss(seconds: float) -> Pcm:
    noise = np.random.default_rng(1).standard_normal(round(seconds * MIC_RATE_HZ))
    return (noise * 300).astype(np.int16)


def loudness(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(pcm.astype(float) ** 2)))


def test_at_level_0_the_samples_are_untouched() -> None:
    pcm = hiss(0.02)
    assert Denoiser().push(pcm, level=0) is pcm


def test_noise_that_goes_on_grows_faint_and_fainter_the_higher_the_level() -> None:
    left = [loudness(Denoiser().push(hiss(3), level=level)[-MIC_RATE_HZ:]) for level in range(5)]
    assert left[1] < 0.7 * left[0]
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize("size", [1, 159, 160, 161, 320, 512])
def test_as_many_samples_come_out_in_the_same_order_whatever_the_pieces(size) -> None:
    pcm = hiss(0.5)
    whole, pieces = Denoiser(), Denoiser()
    expected = whole.push(pcm, level=2)
    got = [pieces.push(pcm[at : at + size], level=2) for at in range(0, pcm.size, size)]
    assert np.array_equal(np.concatenate(got), expected)
    assert all(0 <= size * (n + 1) - sum(map(len, got[: n + 1])) < 160 for n in range(len(got) - 1))


def test_a_level_may_change_at_any_sample_and_none_is_lost() -> None:
    denoiser, pcm = Denoiser(), hiss(0.3)
    levels = [0, 1, 1, 3, 0, 2]
    got = [
        denoiser.push(pcm[at * 777 : (at + 1) * 777], level=level)
        for at, level in enumerate(levels)
    ]
    assert sum(map(len, got)) + denoiser.flush().size == 777 * len(levels)
    assert np.array_equal(got[4][-777:], pcm[4 * 777 : 5 * 777])


def test_flushing_gives_the_rest_and_the_stream_goes_on() -> None:
    denoiser, pcm = Denoiser(), hiss(0.1)
    first = denoiser.push(pcm[:500], level=1)
    assert first.size + denoiser.flush().size == 500
    assert denoiser.flush().size == 0
    assert denoiser.push(pcm[500:820], level=1).size == 320
