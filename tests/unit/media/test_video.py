from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtav.media import h264, vp8
from rtav.media.pcm import I420
from rtav.media.video import Codec, make_encoder

CODECS: list[Codec] = ["h264", "vp8"]
START = b"\0\0\0\1"


def face(number: int, *, width: int = 128, height: int = 128) -> I420:
    """A picture with detail that moves."""
    rows, columns = np.mgrid[0 : height * 3 // 2, 0:width]
    wave = np.sin(rows / 5) * np.cos((columns + 3 * number) / 7)
    return (128 + 90 * wave).astype(np.uint8)


def noisy(number: int) -> I420:
    return np.random.default_rng(number).integers(60, 190, (192, 128), np.uint8)


def depacketize_h264(payloads: Sequence[bytes]) -> list[bytes]:
    """NAL units by RFC 6184, written from its figures and not from the code under test."""
    units: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 31
        if kind == 24:
            rest = payload[1:]
            while rest:
                size = rest[0] * 256 + rest[1]
                units.append(rest[2 : 2 + size])
                rest = rest[2 + size :]
        elif kind == 28:
            if payload[1] & 128:
                units.append(bytes([payload[0] & 224 | payload[1] & 31]))
            units[-1] += payload[2:]
        else:
            units.append(payload)
    return units


def stream(codec: Codec, payloads: Sequence[bytes]) -> bytes:
    if codec == "vp8":
        assert [payload[0] for payload in payloads] == [0x10] + [0] * (len(payloads) - 1)
        return b"".join(payload[1:] for payload in payloads)
    return b"".join(START + unit for unit in depacketize_h264(payloads))


class Decoder:
    def __init__(self, codec: Codec) -> None:
        self._codec: Codec = codec
        self._decoder = av.CodecContext.create(codec, "r")

    def decode(self, payloads: Sequence[bytes]) -> I420:
        packet = av.Packet(stream(self._codec, payloads))
        frames = self._decoder.decode(packet)
        if not frames:  # one frame in, one frame out: FFmpeg's H.264 holds the last one back
            frames = self._decoder.decode(None)
            self._decoder = av.CodecContext.create(self._codec, "r")
        return frames[0].to_ndarray(format="yuv420p")


def is_key(codec: Codec, payloads: list[bytes]) -> bool:
    return (h264 if codec == "h264" else vp8).is_key(payloads)


@pytest.mark.parametrize("codec", CODECS)
def test_the_first_frame_stands_alone_and_shows_the_picture(codec: Codec) -> None:
    encoder = make_encoder(codec, width=128, height=128, fps=25, bitrate=800_000, ceiling=2_000_000)

    payloads = encoder.encode(face(0), key=False)

    assert is_key(codec, payloads)
    assert max(map(len, payloads)) <= 1_200
    shown = Decoder(codec).decode(payloads)
    assert np.abs(shown.astype(int) - face(0)).mean() < 4


@pytest.mark.parametrize("codec", CODECS)
def test_a_key_frame_comes_when_it_is_asked_for_and_only_then(codec: Codec) -> None:
    encoder = make_encoder(codec, width=128, height=128, fps=25, bitrate=800_000, ceiling=2_000_000)

    keys = [is_key(codec, encoder.encode(face(n), key=n == 7)) for n in range(12)]

    assert [n for n, key in enumerate(keys) if key] == [0, 7]


@pytest.mark.parametrize("codec", CODECS)
def test_a_decoder_that_joins_at_a_key_frame_sees_it(codec: Codec) -> None:
    encoder = make_encoder(codec, width=128, height=128, fps=25, bitrate=800_000, ceiling=2_000_000)
    for number in range(5):
        encoder.encode(face(number), key=False)

    shown = Decoder(codec).decode(encoder.encode(face(5), key=True))

    assert np.abs(shown.astype(int) - face(5)).mean() < 6


@pytest.mark.parametrize("codec", CODECS)
def test_the_bit_rate_changes_on_the_open_encoder_without_a_key_frame(codec: Codec) -> None:
    encoder = make_encoder(codec, width=128, height=128, fps=25, bitrate=800_000, ceiling=2_000_000)

    def rate(frames: range) -> float:
        encoded = [encoder.encode(noisy(n), key=False) for n in frames]
        assert not any(is_key(codec, payloads) for payloads in encoded[1:])
        return sum(len(p) for payloads in encoded[-50:] for p in payloads) * 8 * 25 / 50

    before = rate(range(75))
    encoder.set_bitrate(300_000)
    low = rate(range(75, 175))
    encoder.set_bitrate(600_000)
    middle = rate(range(175, 275))

    assert before == pytest.approx(800_000, rel=0.2)
    assert low == pytest.approx(300_000, rel=0.25)
    assert 400_000 < middle < 650_000  # x264 takes some seconds upwards


@pytest.mark.parametrize("codec", CODECS)
def test_the_bit_rate_never_exceeds_the_ceiling(codec: Codec) -> None:
    encoder = make_encoder(codec, width=128, height=128, fps=25, bitrate=400_000, ceiling=500_000)
    encoder.set_bitrate(5_000_000)

    encoded = [encoder.encode(noisy(n), key=False) for n in range(100)]

    bits = sum(len(payload) for payloads in encoded[50:] for payload in payloads) * 8
    assert bits / 2 < 600_000


@pytest.mark.parametrize("codec", CODECS)
def test_an_odd_size_is_refused(codec: Codec) -> None:
    with pytest.raises(ValueError, match="even size, not 127x128"):
        make_encoder(codec, width=127, height=128, fps=25, bitrate=1, ceiling=1)


def test_h264_is_constrained_baseline_level_31() -> None:
    encoder = make_encoder("h264", width=64, height=64, fps=30, bitrate=500_000, ceiling=500_000)

    parameters = depacketize_h264(encoder.encode(face(0, width=64, height=64), key=False))[0]

    profile, constraints, level = parameters[1:4]
    assert parameters[0] & 31 == 7
    assert (profile, constraints & 0x40, level) == (66, 0x40, 31)


@pytest.mark.parametrize(
    ("width", "height", "fps"),
    [(512, 512, 60), (1280, 720, 30), (720, 720, 53), (1024, 1024, 0), (1920, 1080, 0)],
)
def test_level_31_limits_the_frame_rate(width: int, height: int, fps: int) -> None:
    assert min(60, h264.max_fps(width, height)) == fps


def test_h264_beyond_the_level_is_refused() -> None:
    with pytest.raises(ValueError, match="1024x1024 at 25 fps is beyond H.264 level 3.1"):
        make_encoder("h264", width=1024, height=1024, fps=25, bitrate=1, ceiling=1)


def test_banner_and_delimiter_are_left_out_and_small_units_travel_together() -> None:
    units = [b"\x09\xf0", b"\x67aa", b"\x68b", b"\x06banner", b"\x65slice"]

    payloads = h264.packetize(b"".join(START + unit for unit in units))

    assert payloads == [b"\x78\x00\x03\x67aa\x00\x02\x68b\x00\x06\x65slice"]


def test_a_large_unit_is_cut_into_fragments_with_start_and_end() -> None:
    payloads = h264.packetize(b"\0\0\1" + b"\x65" + b"x" * 3_000)

    assert [payload[:2].hex() for payload in payloads] == ["7c85", "7c05", "7c45"]
    assert [len(payload) for payload in payloads] == [1_002, 1_002, 1_002]
    assert depacketize_h264(payloads) == [b"\x65" + b"x" * 3_000]


def test_nothing_encoded_is_nothing_sent() -> None:
    assert h264.packetize(b"") == []
    assert vp8.packetize(b"") == []
    assert not h264.is_key([])
    assert not vp8.is_key([])


units = st.lists(
    st.builds(
        lambda kind, size: bytes([kind]) + b"\x81" * size,
        st.sampled_from([0x41, 0x65, 0x67, 0x68]),
        st.integers(0, 4_000),
    ),
    max_size=8,
)


@given(units)
def test_any_units_survive_the_way_in_payloads_of_at_most_1200_bytes(units: list[bytes]) -> None:
    payloads = h264.packetize(b"".join(START + unit for unit in units))

    assert depacketize_h264(payloads) == units
    assert all(len(payload) <= 1_200 for payload in payloads)
    assert h264.is_key(payloads) == any(unit[0] in (0x65, 0x67) for unit in units)


@given(st.binary(min_size=1, max_size=5_000))
def test_any_vp8_frame_survives_the_way(frame: bytes) -> None:
    payloads = vp8.packetize(frame)

    assert stream("vp8", payloads) == frame
    assert all(len(payload) <= 1_200 for payload in payloads)


def test_a_face_at_rest_costs_no_bits() -> None:
    encoder = make_encoder(
        "h264", width=128, height=128, fps=25, bitrate=800_000, ceiling=2_000_000
    )
    sizes = [sum(map(len, encoder.encode(face(0), key=False))) for _ in range(50)]

    assert sizes[0] > 1000  # the key frame
    assert max(sizes[25:]) < 100  # of the 4000 bytes that the rate allows


def test_a_frame_may_be_a_part_of_a_larger_picture() -> None:
    def encoded(frame: I420) -> list[bytes]:
        encoder = make_encoder(
            "h264", width=128, height=128, fps=25, bitrate=800_000, ceiling=2_000_000
        )
        return encoder.encode(frame, key=True)

    wide = np.concatenate((face(3), face(4)), axis=1)

    assert encoded(wide[:, :128]) == encoded(face(3))
