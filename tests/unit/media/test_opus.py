from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtav.media.opus import OpusDecoder, OpusEncoder, silence_packet
from rtav.media.pcm import Pcm


def tone(hz: float, *, rate_hz: int, samples: int, level: float = 8000) -> Pcm:
    at = np.arange(samples) / rate_hz
    return (level * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def encode_all(pcm: Pcm) -> list[bytes]:
    encoder = OpusEncoder()
    return [encoder.encode(pcm[at : at + 480]) for at in range(0, pcm.size, 480)]


def loudest_hz(pcm: Pcm, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(pcm.size)))
    return float(np.argmax(spectrum) * rate_hz / pcm.size)


def foreign_packets(pcm: Pcm, *, layout: str, frame_ms: int) -> list[bytes]:
    """What a browser's encoder makes of 48 kHz samples, interleaved if stereo."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48_000, layout, "s16"
    codec.time_base = Fraction(1, 48_000)
    codec.options = {"frame_duration": str(frame_ms)}
    codec.open()
    packets = []
    step = 48 * frame_ms * (2 if layout == "stereo" else 1)
    for at in range(0, pcm.size, step):
        piece = pcm[at : at + step].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
        frame.sample_rate, frame.pts = 48_000, at
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


def test_a_tone_arrives_at_its_pitch_and_loudness() -> None:
    decoder = OpusDecoder()
    packets = encode_all(tone(440, rate_hz=24_000, samples=24_000))

    pcm = np.concatenate([decoder.decode(packet) for packet in packets])

    assert len(packets) == 50
    assert pcm.size == 16_000
    assert loudest_hz(pcm[8_000:], 16_000) == pytest.approx(440, abs=2)
    assert np.abs(pcm[8_000:]).max() == pytest.approx(8000, rel=0.1)


def test_a_packet_holds_exactly_20_ms() -> None:
    with pytest.raises(ValueError, match="480 samples, not 479"):
        OpusEncoder().encode(np.ones(479, np.int16))


def test_lasting_silence_is_one_constant_packet() -> None:
    encoder = OpusEncoder()
    encoder.encode(tone(440, rate_hz=24_000, samples=480))

    packets = [encoder.encode(None) for _ in range(12)]

    assert packets[9] != silence_packet() or packets[8] != silence_packet()
    assert packets[10:] == [silence_packet(), silence_packet()]


def test_samples_that_hold_only_dither_are_silence_too() -> None:
    encoder = OpusEncoder()
    dither = np.array([0, 1, -1] * 160, np.int16)

    packets = [encoder.encode(dither) for _ in range(11)]

    assert packets[10] == silence_packet()


def test_speech_after_silence_is_heard() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    for _ in range(20):
        decoder.decode(encoder.encode(None))
    speech = tone(300, rate_hz=24_000, samples=480)

    decoder.decode(encoder.encode(speech))
    pcm = decoder.decode(encoder.encode(speech))

    assert np.abs(pcm).max() > 4_000


def test_the_silence_packet_is_silent() -> None:
    decoder = OpusDecoder()

    pcm = np.concatenate([decoder.decode(silence_packet()) for _ in range(10)])

    assert np.abs(pcm).max() <= 2


def test_stereo_is_mixed_down() -> None:
    left = tone(440, rate_hz=48_000, samples=48_000)
    both = np.stack((left, np.zeros_like(left)), axis=1).reshape(-1)
    decoder = OpusDecoder()

    packets = foreign_packets(both, layout="stereo", frame_ms=20)
    pcm = np.concatenate([decoder.decode(packet) for packet in packets])

    assert pcm.size == len(packets) * 320
    assert loudest_hz(pcm[8_000:], 16_000) == pytest.approx(440, abs=2)
    assert np.abs(pcm[8_000:]).max() == pytest.approx(4_000, rel=0.15)


@pytest.mark.parametrize(("frame_ms", "samples"), [(10, 160), (20, 320), (40, 640), (60, 960)])
def test_packets_of_any_length_keep_theirs(frame_ms: int, samples: int) -> None:
    packets = foreign_packets(
        tone(440, rate_hz=48_000, samples=5_760), layout="mono", frame_ms=frame_ms
    )

    assert OpusDecoder().decode(packets[0]).size == samples


def test_what_16_khz_cannot_hold_does_not_fold_back() -> None:
    packets = foreign_packets(
        tone(11_000, rate_hz=48_000, samples=48_000), layout="mono", frame_ms=20
    )
    decoder = OpusDecoder()

    pcm = np.concatenate([decoder.decode(packet) for packet in packets])

    assert np.abs(pcm[4_000:]).max() < 80  # -40 dB


@pytest.mark.parametrize("payload", [b"", b"\x03", b"\xff\xff\xff", bytes(3)])
def test_a_broken_packet_is_refused_and_the_next_one_decoded(payload: bytes) -> None:
    decoder = OpusDecoder()
    good = encode_all(tone(440, rate_hz=24_000, samples=480))[0]

    if payload == bytes(3):
        decoder.decode(payload)  # not speech, but legal
    else:
        with pytest.raises(ValueError, match="Opus packet"):
            decoder.decode(payload)

    assert decoder.decode(good).size == 320


def test_a_lost_packet_is_replaced_by_the_last_pitch_fading_out() -> None:
    decoder = OpusDecoder()
    for packet in encode_all(tone(200, rate_hz=24_000, samples=9_600)):
        decoder.decode(packet)

    pcm = np.concatenate([decoder.conceal(320) for _ in range(4)])

    assert loudest_hz(pcm[:640], 16_000) == pytest.approx(200, abs=26)
    levels = [int(np.abs(pcm[at : at + 320]).max()) for at in range(0, 1_280, 320)]
    assert levels[0] > levels[1] > levels[2] > 0
    assert levels[0] == pytest.approx(8_000, rel=0.15)
    assert levels[3] == 0


def test_speech_comes_back_after_a_loss_without_a_click() -> None:
    decoder = OpusDecoder()
    packets = encode_all(tone(210, rate_hz=24_000, samples=9_600))
    before = [decoder.decode(packet) for packet in packets[:10]]

    pcm = np.concatenate([*before, decoder.conceal(320), decoder.decode(packets[11])]).astype(int)

    steepest = np.abs(np.diff(before[9].astype(int))).max()
    assert np.abs(np.diff(pcm[9 * 320 :])).max() < 2 * steepest


def test_concealment_before_any_packet_is_silence() -> None:
    assert OpusDecoder().conceal(100).tolist() == [0] * 100


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_neither_encoder_nor_decoder_starts_a_thread():
    def code():
        encoder, decoder = OpusEncoder(), OpusDecoder()
        decoder.decode(encoder.encode(np.full(480, 5000, np.int16)))
        return encoder, decoder

    code()  # the first product of matrices starts numpy's own threads
    before = len(list(Path("/proc/self/task").iterdir()))

    kept = code()

    assert kept
    assert len(list(Path("/proc/self/task").iterdir())) == before


def _celt_only(packet: bytes) -> bool:
    """RFC 6716 section 3.1: configurations from 16 on; such packets carry no FEC."""
    return packet[0] >> 3 >= 16


def test_packets_that_may_be_lost_carry_what_was_said_before() -> None:
    loss = [0.0]
    encoder = OpusEncoder(lambda: loss[0])
    voice = tone(200, rate_hz=24_000, samples=480)
    modes = []

    for loss[0] in (0.0, 0.005, 0.02, 0.0):
        silence = [encoder.encode(None) for _ in range(12)]
        modes.append([_celt_only(encoder.encode(voice)) for _ in range(3)])

    assert modes == [[True] * 3, [True] * 3, [False] * 3, [True] * 3]
    assert silence[-1] == silence_packet()


def test_the_mode_never_changes_within_an_utterance() -> None:
    loss = [0.0]
    encoder = OpusEncoder(lambda: loss[0])
    voice = tone(200, rate_hz=24_000, samples=480)
    encoder.encode(voice)

    loss[0] = 0.2
    encoder.encode(None)

    assert _celt_only(encoder.encode(voice))


def test_a_change_of_mode_is_not_heard() -> None:
    loss = [0.0]
    encoder, decoder = OpusEncoder(lambda: loss[0]), OpusDecoder()
    voice = tone(200, rate_hz=24_000, samples=480 * 20)
    pcm = []

    for loss[0] in (0.0, 0.05, 0.0):
        said = [encoder.encode(None) for _ in range(20)]
        said += [encoder.encode(voice[at : at + 480]) for at in range(0, voice.size, 480)]
        pcm.append(np.concatenate([decoder.decode(packet) for packet in said]))

    for one in pcm:
        assert np.abs(one[100 * 16 : 390 * 16]).max() < 40  # no click at the mode's change
        assert np.abs(one[500 * 16 :]).max() == pytest.approx(8000, rel=0.1)
