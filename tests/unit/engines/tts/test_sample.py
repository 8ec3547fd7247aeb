import io
import json
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtav.engines.tts.sample import median_pitch_hz, prepare_voice
from rtav.errors import ProtocolError

RATE_HZ = 24_000


def hum(pitch_hz: float, seconds: float, *, level: float = 0.3, rate_hz: int = RATE_HZ):
    """A voice-like sound: a pulse train with formants, in words of half a second."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    sound = sum(np.sin(2 * np.pi * pitch_hz * k * t + k) / k for k in range(1, 12))
    words = np.clip(2 * np.sin(2 * np.pi * t) + 0.6, 0, 1)
    noise = np.random.default_rng(1).normal(0, 0.002, len(t))
    return ((sound * words / 3 + noise) * level * 32767).astype(np.int16)


def wav(pcm, rate_hz: int = RATE_HZ) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate_hz, len(pcm), "NONE", ""))
        file.writeframes(pcm.tobytes())
    return out.getvalue()


def encoded(pcm, container: str, codec: str, rate_hz: int = RATE_HZ) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate_hz, layout="mono")
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate_hz,
            frame_size=stream.codec_context.frame_size or 1024,
        )  # fmt: skip
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = rate_hz
        for fitted in (*resampler.resample(frame), *resampler.resample(None), None):
            file.mux(stream.encode(fitted))
    return out.getvalue()


def prepared(upload: bytes, folder: Path) -> dict:
    return prepare_voice(upload, folder, {"id": "voice_1", "name": "Mine"})


def refused(upload: bytes, folder: Path) -> str:
    with pytest.raises(ProtocolError) as error:
        prepared(upload, folder)
    assert (error.value.code, error.value.param) == ("invalid_voice", "file")
    assert list(folder.iterdir()) == []
    return error.value.message


@pytest.mark.parametrize("pitch_hz", [85.0, 120.0, 200.0, 310.0])
@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_the_pitch_of_a_voice_is_heard(pitch_hz, rate_hz):
    assert median_pitch_hz(hum(pitch_hz, 4, rate_hz=rate_hz), rate_hz) == pytest.approx(
        pitch_hz, rel=0.02
    )


def test_noise_has_no_pitch():
    noise = np.random.default_rng(1).normal(0, 3000, 4 * RATE_HZ).astype(np.int16)
    assert median_pitch_hz(noise, RATE_HZ) is None
    assert median_pitch_hz(noise[:100], RATE_HZ) is None


@pytest.mark.parametrize(
    ("container", "codec"),
    [("wav", "pcm_s16le"), ("flac", "flac"), ("ogg", "libopus"), ("mp3", "libmp3lame")],
)
def test_a_sample_is_kept_as_wav_with_its_length_and_pitch(tmp_path, container, codec):
    rate_hz = 48_000
    facts = prepared(encoded(hum(120, 5, rate_hz=rate_hz), container, codec, rate_hz), tmp_path)
    assert facts["duration_seconds"] == pytest.approx(5, abs=0.1)
    assert facts["pitch_hz"] == pytest.approx(120, rel=0.03)
    with wave.open(str(tmp_path / "sample.wav")) as kept:
        assert (kept.getnchannels(), kept.getframerate(), kept.getsampwidth()) == (1, RATE_HZ, 2)
        assert kept.getnframes() / RATE_HZ == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("upload", "message"),
    [
        (b"", "cannot be decoded"),
        (b"ID3 and nothing more", "cannot be decoded"),
        (wav(hum(120, 2.5)), "3 to 60 s long, not 2.5"),
        (wav(hum(120, 61)), "3 to 60 s long, not 61.0"),
        (wav(hum(120, 100)), "3 to 60 s long, not 61"),
        (wav(np.zeros(5 * RATE_HZ, np.int16)), "silent, or almost"),
        (wav(np.random.default_rng(1).normal(0, 3000, 96_000).astype(np.int16)), "no voice"),
        (encoded(hum(120, 4), "aiff", "pcm_s16be"), "a sample is WAV, MP3, FLAC or OGG"),
    ],
)
def test_what_is_no_sample_is_told_why(tmp_path, upload, message):
    assert message in refused(upload, tmp_path)


def test_a_voice_may_be_a_standard_one_spoken_otherwise(tmp_path):
    described = {"base": "anthony", "pitch": 1.1, "rate": 0.9}
    assert prepared(json.dumps(described).encode(), tmp_path) == described
    assert prepared(b" {}", tmp_path) == {"base": "default", "pitch": 1.0, "rate": 1.0}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("upload", "message"),
    [
        (b"{", "the JSON cannot be read"),
        (b'{"pitch": 3}', "pitch must be 0.6 to 1.7"),
        (b'{"rate": true}', "rate must be 0.5 to 1.5"),
        (b'{"rate": NaN}', "rate must be 0.5 to 1.5"),
        (b'{"base": 1}', "base must be the id"),
        (b'{"speed": 1}', "'speed' is none of base, pitch, rate"),
    ],
)
def test_a_description_that_is_none_is_told_why(tmp_path, upload, message):
    assert message in refused(upload, tmp_path)


SAMPLE = encoded(hum(120, 3.5), "ogg", "libopus", 48_000)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(SAMPLE) - 1), junk=st.binary(min_size=1, max_size=200))
def test_a_damaged_sample_is_a_voice_or_is_refused(tmp_path, at, junk):
    """Whatever bytes are changed: a ProtocolError, or a sample of a bounded length."""
    try:
        facts = prepared(SAMPLE[:at] + junk + SAMPLE[at + len(junk) :], tmp_path)
    except ProtocolError:
        return
    assert 3 <= facts["duration_seconds"] <= 61
