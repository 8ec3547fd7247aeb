from typing import Any

import pytest

from rtav.transports.webrtc.codecs import Codec, choose_audio
from rtav.transports.webrtc.codecs import choose_video as choose_videos

FEEDBACK = [
    ("rtcp-fb", "96 goog-remb"),
    ("rtcp-fb", "96 ccm fir"),
    ("rtcp-fb", "* nack"),
    ("rtcp-fb", "96 nack pli"),
]


def _h264(payload_type: int, profile: str = "42e01f", mode: str = "1"):
    return [
        ("rtpmap", f"{payload_type} H264/90000"),
        ("fmtp", f"{payload_type} packetization-mode={mode};profile-level-id={profile}"),
    ]


VP8 = [("rtpmap", "96 VP8/90000")]


def choose_video(*args: Any) -> Codec | None:
    return next(iter(choose_videos(*args)), None)


def test_opus_is_found_among_others():
    attributes = [("rtpmap", "0 PCMU/8000"), ("rtpmap", "111 OPUS/48000/2")]
    assert choose_audio(["0", "111"], attributes).payload_type == 111


def test_opus_that_the_m_line_does_not_name_is_not_offered():
    assert choose_audio(["0"], [("rtpmap", "111 opus/48000/2")]) is None


def test_a_codec_keeps_its_own_retransmission_only():
    attributes = [
        *VP8,
        ("rtpmap", "97 rtx/90000"),
        ("fmtp", "97 apt=103"),
        ("rtpmap", "98 rtx/90000"),
        ("fmtp", "98 apt=96"),
    ]
    assert choose_video(["96", "97", "98"], attributes, None).rtx_payload_type == 98


def test_only_the_feedback_that_is_understood_is_answered():
    assert choose_video(["96"], [*VP8, *FEEDBACK], None).feedback == (
        "nack",
        "nack pli",
        "goog-remb",
    )


def test_h264_stands_where_its_first_usable_entry_stands():
    attributes = [*_h264(100, mode="0"), *VP8, *_h264(102)]
    assert choose_video(["100", "96", "102"], attributes, None).name == "vp8"
    assert choose_video(["102", "96", "100"], attributes, None).name == "h264"


def test_high_profile_alone_is_no_usable_h264():
    assert choose_video(["100"], _h264(100, profile="640c1f"), None) is None


def test_constrained_baseline_is_preferred_to_baseline():
    attributes = [*_h264(100, profile="42001f"), *_h264(102, profile="42e01f")]
    assert choose_video(["100", "102"], attributes, None).payload_type == 102


@pytest.mark.parametrize(
    ("level", "max_pixels", "answered"),
    [
        ("0a", 25_344, "42e00a"),
        ("16", 414_720, "42e016"),
        ("1f", 921_600, "42e01f"),
        ("34", 921_600, "42e01f"),
    ],
)
def test_frames_are_as_large_as_the_level_allows(level, max_pixels, answered):
    codec = choose_video(["100"], _h264(100, profile=f"42e0{level}"), None)
    assert codec.max_pixels == max_pixels
    assert codec.fmtp == (
        f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={answered}"
    )


def test_numbers_that_collide_with_rtcp_are_passed_over():
    assert choose_video(["72"], [("rtpmap", "72 VP8/90000")], None) is None
    assert choose_video(["45"], [("rtpmap", "45 VP8/90000")], None).payload_type == 45


def test_a_wish_for_something_unknown_changes_nothing():
    assert choose_video(["96", "102"], [*VP8, *_h264(102)], "av1").name == "vp8"


def test_both_codecs_are_answered_the_wanted_one_first() -> None:
    attributes = [*VP8, *_h264(102)]

    def names(wanted: str | None) -> list[str]:
        return [codec.name for codec in choose_videos(["96", "102"], attributes, wanted)]

    assert names(None) == ["vp8", "h264"]
    assert names("h264") == ["h264", "vp8"]
    assert names("vp8") == ["vp8", "h264"]


def test_a_level_bounds_the_rate_as_well_as_the_size() -> None:
    low, high = (choose_video(["100"], _h264(100, profile=f"42e0{n}"), None) for n in ("1e", "34"))

    assert (low.max_pixels, low.max_pixel_rate) == (414_720, 10_368_000)
    assert (high.max_pixels, high.max_pixel_rate) == (921_600, 27_648_000)
