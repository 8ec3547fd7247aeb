import numpy as np
import pytest

from rtav.testing import voices


def test_a_voice_this_machine_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no voice 'hal' on this machine"):
        voices.say("Hello.", "hal")


def test_espeak_is_always_there() -> None:
    speech = voices.say("Hello.", "espeak")

    assert 0.3 < len(speech) / 16_000 < 1.5
    assert np.abs(speech).max() > 5_000


def test_noise_has_the_level_it_was_asked_for() -> None:
    tone = (8_000 * np.sin(np.arange(16_000) / 5)).astype(np.int16)

    noise = voices.with_noise(tone, snr_db=20).astype(float) - tone

    assert np.sqrt(np.mean(noise**2)) == pytest.approx(8_000 / np.sqrt(2) / 10, rel=0.01)


def test_a_file_comes_back_as_it_was_written(tmp_path) -> None:
    pcm = np.array([0, 1, -32768, 32767], np.int16)

    voices.write_wav(tmp_path / "a.wav", pcm)

    assert voices.read_wav(tmp_path / "a.wav").tolist() == [0, 1, -32768, 32767]
