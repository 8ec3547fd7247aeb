from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rtav.media import h264, vp8
from rtav.media.pcm import I420
from rtav.runtime.outputs import EncodedVideo, Pictures
from rtav.runtime.reels import Encoding, Reels

H264 = Encoding(codec="h264", fps=25, bitrate=800_000, ceiling=2_000_000)
VP8 = Encoding(codec="vp8", fps=25, bitrate=800_000, ceiling=2_000_000)


def encoded(encoding: Encoding) -> EncodedVideo:
    return EncodedVideo(encoding, Reels(), kind=lambda: None, use=lambda codec: None)


def face(number: int, *, size: int = 64) -> I420:
    rows, columns = np.mgrid[0 : size * 3 // 2, 0:size]
    return (128 + 90 * np.sin(rows / 5) * np.cos((columns + number) / 7)).astype(np.uint8)


def frames(video: EncodedVideo, numbers: range, *, taken: bool = True) -> list[int]:
    """Encode these frames of a 25 fps stream; return the samples of those that are key frames."""
    keys = []
    for number in numbers:
        video.finish(number * 960, face(number))
        payloads = video.take(number * 960) if taken else None
        if payloads and h264.is_key(list(payloads)):
            keys.append(number * 960)
    return keys


def test_a_frame_is_handed_over_once() -> None:
    video = encoded(H264)
    video.finish(960, face(0))

    assert video.take(0) is None
    assert video.take(960)
    assert video.take(960) is None


def test_a_requested_key_frame_is_the_next_frame() -> None:
    video = encoded(H264)
    assert frames(video, range(20)) == [0]

    video.keyframe()

    assert frames(video, range(20, 30)) == [20 * 960]


def test_requested_key_frames_are_300_ms_apart() -> None:
    video = encoded(H264)
    keys = []
    for number in range(24):
        video.keyframe()
        keys += frames(video, range(number, number + 1))

    assert keys == [0, 7_680, 15_360]


def test_a_frame_that_is_late_already_is_not_encoded() -> None:
    video = encoded(H264)
    frames(video, range(2))
    video.drop(1_920)

    video.finish(1_920, face(2))

    assert video.take(1_920) is None
    assert (video.counts.encoded, video.counts.missed) == (2, 1)
    assert frames(video, range(3, 6)) == []


def test_a_frame_that_was_encoded_and_not_sent_is_repaired_by_a_key_frame() -> None:
    video = encoded(H264)
    frames(video, range(2))
    video.finish(1_920, face(2))
    video.drop(1_920)

    keys = frames(video, range(3, 6))

    assert keys == [2_880]
    assert video.take(1_920) is None
    assert video.counts.missed == 1


def test_frames_that_nobody_takes_are_forgotten() -> None:
    video = encoded(H264)

    frames(video, range(60), taken=False)

    assert video.counts.missed == 60 - 25
    assert video.take(59 * 960)
    assert video.take(34 * 960) is None


def test_a_change_keeps_the_bit_rate_within_the_new_ceiling() -> None:
    video = encoded(H264)
    video.set_bitrate(500_000)

    video.change(Encoding(codec="h264", fps=30, bitrate=800_000, ceiling=1_000_000))
    assert video.bitrate == 500_000
    video.change(Encoding(codec="h264", fps=30, bitrate=800_000, ceiling=400_000))

    assert video.bitrate == 400_000


def test_another_size_or_codec_begins_with_a_key_frame() -> None:
    video = encoded(H264)
    frames(video, range(3))

    video.finish(2_880, face(3, size=96))
    larger = video.take(2_880)
    video.change(VP8)
    video.finish(3_840, face(4, size=96))
    other = video.take(3_840)

    assert larger is not None
    assert h264.is_key(list(larger))
    assert other is not None
    assert vp8.is_key(list(other))
    assert other[0][0] == 0x10


def test_a_lower_bit_rate_holds_at_once_and_a_higher_one_bit_by_bit() -> None:
    video = encoded(H264)

    video.set_bitrate(400_000)
    assert video.bitrate == 400_000
    video.set_bitrate(800_000)
    assert video.bitrate == 500_000
    video.set_bitrate(800_000)

    assert video.bitrate == 575_000


def test_the_bit_rate_stays_between_floor_and_ceiling() -> None:
    video = encoded(H264)

    video.set_bitrate(1_000)
    assert video.bitrate == 150_000
    for _ in range(100):
        video.set_bitrate(50_000_000)

    assert 1_990_000 < video.bitrate <= 2_000_000


def test_the_encoder_follows_the_bit_rate_without_a_key_frame() -> None:
    video = encoded(VP8)
    rng = np.random.default_rng(1)

    def bits(numbers: range) -> int:
        total = 0
        for number in numbers:
            video.finish(number * 960, rng.integers(60, 190, (144, 96), np.uint8))
            payloads = video.take(number * 960)
            assert payloads is not None
            total += 8 * sum(map(len, payloads))
        return total

    before = bits(range(50))
    video.set_bitrate(200_000)
    after = bits(range(50, 100))

    assert after < before / 2
    assert video.counts.keyframes == 1


def test_a_closed_output_may_be_used_again() -> None:
    video = encoded(H264)
    frames(video, range(2))
    video.close()

    assert frames(video, range(2, 4)) == [1_920]


class FakeLoop:
    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any) -> None:
        self.calls.append(lambda: callback(*args))


def test_pictures_are_converted_in_the_thread_and_delivered_in_the_loop() -> None:
    loop = FakeLoop()
    delivered: list[tuple[int, int]] = []
    pictures = Pictures(
        lambda frame: int(frame.sum()),
        lambda at, total: delivered.append((at, total)),
        loop=loop,  # type: ignore[arg-type]
    )

    pictures.finish(480, np.ones((3, 2), np.uint8))
    assert delivered == []
    loop.calls[0]()

    assert delivered == [(480, 6)]
    assert pictures.take(480) is None


def test_a_closed_loop_is_no_failure() -> None:
    class ClosedLoop:
        def call_soon_threadsafe(self, *_: object) -> None:
            raise RuntimeError("Event loop is closed")

    pictures = Pictures(
        lambda frame: frame,
        print,
        loop=ClosedLoop(),  # type: ignore[arg-type]
    )

    pictures.finish(0, np.ones((3, 2), np.uint8))
    pictures.drop(0)
    pictures.close()
