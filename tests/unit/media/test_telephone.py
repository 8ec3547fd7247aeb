import numpy as np
import pytest

from rtav.media.telephone import AudioEncoder, decode_audio, rate_of


def test_pcm_is_two_bytes_a_sample_least_first_both_ways() -> None:
    pcm = np.array([1, -2, 300], np.int16)

    data = AudioEncoder("audio/pcm").encode(pcm)

    assert data == b"\x01\x00\xfe\xff\x2c\x01"
    assert decode_audio("audio/pcm", data).tolist() == [1, -2, 300]
    assert rate_of("audio/pcm") == 24_000


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="two bytes"):
        decode_audio("audio/pcm", b"\x00")


@pytest.mark.parametrize(
    ("kind", "codes", "samples"),
    [
        # ITU-T G.191's reference decoder
        ("audio/pcmu", b"\x00\x80\x7f\xff\x2a", [-32_124, 32_124, 0, 0, -5_372]),
        ("audio/pcma", b"\x00\x80\x55\xd5\x2a", [-5_504, 5_504, -8, 8, -32_256]),
    ],
)
def test_g711_is_decoded_by_its_tables(kind, codes, samples) -> None:
    assert decode_audio(kind, codes).tolist() == samples
    assert rate_of(kind) == 8_000


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_a_tone_survives_g711_in_pieces_of_any_length(kind) -> None:
    time = np.arange(24_000) / 24_000
    tone = (8_000 * np.sin(2 * np.pi * 500 * time)).astype(np.int16)
    encoder = AudioEncoder(kind)

    pieces = [tone[:1], tone[1:500], tone[500:502], tone[502:]]
    decoded = decode_audio(kind, b"".join(encoder.encode(piece) for piece in pieces))

    assert abs(decoded.size - 8_000) <= 1
    spectrum = np.abs(np.fft.rfft(decoded[:7_990].astype(float) * np.hanning(7_990)))
    assert round(spectrum.argmax() * 8_000 / 7_990) == 500
    assert abs(np.abs(decoded[100:]).max() - 8_000) < 300
    whole = AudioEncoder(kind)
    assert (decode_audio(kind, whole.encode(tone)) == decoded).all()


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_what_a_telephone_cannot_carry_is_not_folded_into_what_it_can(kind) -> None:
    time = np.arange(24_000) / 24_000
    hiss = (8_000 * np.sin(2 * np.pi * 6_000 * time)).astype(np.int16)

    decoded = decode_audio(kind, AudioEncoder(kind).encode(hiss))

    assert np.abs(decoded[100:]).max() < 200
