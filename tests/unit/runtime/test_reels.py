from __future__ import annotations

from collections.abc import Hashable

import av
import numpy as np
import pytest

from rtav.media import h264, vp8
from rtav.media.pcm import I420
from rtav.runtime.outputs import EncodedVideo
from rtav.runtime.reels import ALONE_FRAMES, KEPT, KEY_FRAMES, Encoding, Follower, Reels

H264 = Encoding(codec="h264", fps=25, bitrate=800_000, ceiling=2_000_000)
VP8 = Encoding(codec="vp8", fps=25, bitrate=800_000, ceiling=2_000_000)
SETTLED = ALONE_FRAMES + 1


def face(number: int) -> I420:
    rows, columns = np.mgrid[0:96, 0:64]
    return (128 + 90 * np.sin(rows / 5) * np.cos((columns + number) / 7)).astype(np.uint8)


def watch(followers: list[Follower], numbers: range) -> list[list[list[bytes] | None]]:
    """What each sends for these frames, frame by frame."""
    return [[one.payloads(face(number), "rest", H264) for one in followers] for number in numbers]


def beginning(count: int) -> tuple[Reels, list[Follower]]:
    """So many calls that have shown nothing yet."""
    reels = Reels()
    return reels, [Follower(reels) for _ in range(count)]


def together(count: int) -> tuple[Reels, list[Follower]]:
    """So many calls that have shown the same for a second."""
    reels, followers = beginning(count)
    watch(followers, range(ALONE_FRAMES))
    return reels, followers


def test_calls_that_show_the_same_send_the_same_bytes_from_a_key_frame_on() -> None:
    _, followers = beginning(3)

    sent = watch(followers, range(100, 110))

    streams = [[row[i] for row in sent if row[i] is not None] for i in range(3)]
    assert [len(stream) for stream in streams] == [9, 10, 10]  # who is first is still alone
    assert streams[0][0] is not None
    assert h264.is_key(streams[0][0])
    for stream in streams:
        assert all(a is b for a, b in zip(stream, streams[1], strict=False))


def test_many_calls_that_begin_at_once_are_encoded_once() -> None:
    _, followers = beginning(24)

    first, second = watch(followers, range(2))

    assert [payloads is first[1] for payloads in first] == [False] + 23 * [True]
    assert [payloads is first[1] for payloads in second] == [True] + 23 * [False]
    assert all(payloads is second[1] for payloads in second[1:])


def test_who_has_shown_something_else_is_alone_for_a_second_in_common() -> None:
    _, followers = together(2)
    late = Follower(Reels())

    late.payloads(face(0), None, H264)
    for one in (late, followers[0]):
        one.payloads(face(0), "another", H264)

    assert watch([followers[0]], range(ALONE_FRAMES)) == ALONE_FRAMES * [[None]]
    assert watch([late], range(ALONE_FRAMES)) == ALONE_FRAMES * [[None]]


def test_a_call_that_is_the_only_one_to_show_something_goes_alone() -> None:
    _, followers = together(1)

    assert all(row == [None] for row in watch(followers, range(200)))


def test_what_is_told_apart_is_not_shared() -> None:
    reels = Reels()
    followers = [Follower(reels) for _ in range(2)]

    for number in range(3 * SETTLED):
        sent = [one.payloads(face(number), i, H264) for i, one in enumerate(followers)]

    assert sent == [None, None]


def test_who_comes_later_waits_for_a_key_frame_that_all_get() -> None:
    reels, followers = together(2)
    watch(followers, range(10))
    late = Follower(reels)

    sent = watch([*followers, late], range(10, 100))

    numbers = [row[2] for row in sent]
    begun = next(i for i, payloads in enumerate(numbers) if payloads is not None)
    assert begun == KEY_FRAMES - ALONE_FRAMES - 10  # who needs a key frame sooner makes it alone
    keys = [i for i, row in enumerate(sent) if row[0] and h264.is_key(row[0])]
    assert begun - keys[0] <= 1
    assert len(keys) == 1
    assert all(sent[i][2] is not None for i in range(begun, 90))


def test_who_leaves_a_frame_out_goes_on_a_frame_behind() -> None:
    _, followers = together(2)
    watch(followers, range(5))

    sent = [row[0] for row in watch(followers[1:], range(5, 7))]
    late = [row[0] for row in watch(followers[:1], range(6, 9))]

    assert late[1] is sent[0]
    assert late[2] is sent[1]


def test_who_is_behind_goes_on_from_the_next_key_frame() -> None:
    _, followers = together(2)
    watch(followers, range(KEY_FRAMES))
    watch(followers[1:], range(KEY_FRAMES, KEY_FRAMES + 7))

    sent = watch(followers, range(KEY_FRAMES + 7, KEY_FRAMES + 11))

    keys = [[i for i, row in enumerate(sent) if h264.is_key(row[one] or [])] for one in (0, 1)]
    assert keys == [[1], [0]]
    assert sent[1][0] is sent[0][1]
    assert sent[3][0] is sent[2][1]


def test_who_is_too_far_behind_goes_alone() -> None:
    _, followers = together(2)
    watch(followers, range(5))

    watch(followers[1:], range(5, 6 + KEPT))

    assert followers[0].payloads(face(50), "rest", H264) is None


def test_what_all_have_left_is_freed() -> None:
    reels, followers = together(2)
    watch(followers, range(5))

    for one in followers:
        one.leave()
        one.leave()

    assert reels.running == 0


def test_who_comes_back_is_alone_for_a_second_again() -> None:
    _, followers = together(3)
    watch(followers, range(5))

    assert followers[0].payloads(face(5), None, H264) is None

    again = [row[0] for row in watch(followers, range(6, 6 + ALONE_FRAMES))]
    assert again == [None] * ALONE_FRAMES


class Calls:
    """Two calls with outputs of their own, one of which is decoded."""

    def __init__(self, encoding: Encoding = H264) -> None:
        self.kinds: list[Hashable | None] = ["rest", "rest"]
        reels = Reels()
        self._codec = h264 if encoding.codec == "h264" else vp8
        self.videos = [
            EncodedVideo(encoding, reels, kind=lambda i=i: self.kinds[i], use=str)  # type: ignore[misc]
            for i in range(2)
        ]
        self.decoder = av.CodecContext.create(encoding.codec, "r")
        self.number = 0
        self.keys: list[int] = []
        self.errors: list[float] = []

    def run(self, frames: int) -> None:
        for _ in range(frames):
            at = self.number * 960
            for video in self.videos:
                video.finish(at, face(self.number))
            payloads, _ = (video.take(at) for video in self.videos)
            assert payloads
            if self._codec.is_key(list(payloads)):
                self.keys.append(self.number)
            stream = _stream(list(payloads)) if self._codec is h264 else _whole(list(payloads))
            (seen,) = self.decoder.decode(av.Packet(stream))  # type: ignore[attr-defined]
            shown = seen.to_ndarray()[:64].astype(int)
            due = [face(self.number - late)[:64] for late in (0, 1)]
            self.errors.append(min(float(np.abs(shown - one).mean()) for one in due))
            self.number += 1


def test_another_size_keeps_the_codec_of_the_old_one_on_the_reel_too() -> None:
    calls = Calls(VP8)
    calls.run(SETTLED + KEY_FRAMES + 5)
    for video in calls.videos:
        assert video.is_shared
        video.change(H264, shape=(144, 96))

    calls.run(5)  # still decoded as VP8, by whoever has received it from the beginning

    assert max(calls.errors[-5:]) < 8
    assert all(video.is_shared for video in calls.videos)


def _stream(payloads: list[bytes]) -> bytes:
    """RFC 6184 the other way round."""
    stream = b""
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == 24:
            at = 1
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                stream += b"\0\0\1" + payload[at + 2 : at + 2 + size]
                at += 2 + size
        elif kind == 28:
            if payload[1] & 0x80:
                stream += b"\0\0\1" + bytes([payload[0] & 0xE0 | payload[1] & 0x1F])
            stream += payload[2:]
        else:
            stream += b"\0\0\1" + payload
    return stream


def _whole(payloads: list[bytes]) -> bytes:
    """RFC 7741 the other way round: descriptors of one byte."""
    return b"".join(payload[1:] for payload in payloads)


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.mark.parametrize("encoding", [H264, VP8], ids=["h264", "vp8"])
def test_a_decoder_follows_in_and_out_of_what_is_shared(encoding: Encoding) -> None:
    calls = Calls(encoding)
    for kind in ("rest", None, "rest", "other", "rest"):
        calls.kinds[0] = kind
        calls.run(2 * SETTLED + KEY_FRAMES)

    assert max(calls.errors) < 3
    assert calls.videos[0].counts.shared > 3 * KEY_FRAMES
    assert len(calls.keys) <= 12


def test_a_requested_key_frame_comes_at_once_and_for_the_asker_alone(calls: Calls) -> None:
    calls.run(2 * SETTLED)
    before = len(calls.keys)
    other = calls.videos[1].counts.keyframes

    calls.videos[0].keyframe()
    calls.run(1)

    assert calls.keys[before:] == [2 * SETTLED]
    assert calls.videos[1].counts.keyframes == other


def _lose(calls: Calls, frames: int) -> None:
    """Frames that are encoded when it is too late to send them."""
    for _ in range(frames):
        at = calls.number * 960
        for video in calls.videos:
            video.finish(at, face(calls.number))
        calls.videos[0].drop(at)
        calls.videos[1].take(at)
        calls.number += 1


def test_a_frame_that_was_shared_and_not_sent_is_sent_next(calls: Calls) -> None:
    calls.run(2 * SETTLED)
    keys, shared = len(calls.keys), calls.videos[0].counts.shared

    _lose(calls, 1)
    calls.run(10)

    assert calls.videos[0].counts.shared == shared + 11
    assert len(calls.keys) == keys
    assert max(calls.errors) < 8  # behind by one frame more, or its prediction would be broken


def test_too_many_frames_that_were_not_sent_are_repaired_by_a_key_frame(calls: Calls) -> None:
    calls.run(2 * SETTLED)
    keys = len(calls.keys)

    for _ in range(KEPT):
        _lose(calls, 1)
    calls.run(2)

    assert len(calls.keys) == keys + 1


def test_who_can_take_less_gets_frames_of_their_own(calls: Calls) -> None:
    calls.videos[0].set_bitrate(300_000)
    calls.run(3 * SETTLED)

    assert calls.videos[0].counts.shared == 0


def test_whose_line_takes_less_leaves_with_a_key_frame_and_comes_back_later(calls: Calls) -> None:
    calls.run(2 * SETTLED)
    keys, other = len(calls.keys), calls.videos[1].counts.keyframes

    calls.videos[0].set_bitrate(300_000)
    calls.run(1)
    shared = calls.videos[0].counts.shared
    calls.run(2 * KEY_FRAMES)

    assert calls.keys[keys:] == [2 * SETTLED]
    assert calls.videos[0].counts.shared == shared
    assert calls.videos[1].counts.keyframes <= other + 1  # alone as well now

    for _ in range(20):
        calls.videos[0].set_bitrate(800_000)
    calls.run(SETTLED + KEY_FRAMES)

    assert calls.videos[0].counts.shared > shared
    assert max(calls.errors) < 3


def test_a_request_that_is_repeated_because_it_was_lost_is_answered_like_the_first(
    calls: Calls,
) -> None:
    calls.run(2 * SETTLED)
    before = len(calls.keys)

    for _ in range(10):  # every 80 ms, as browsers do until they see one
        calls.videos[0].keyframe()
        calls.run(2)
    calls.run(SETTLED)

    own = calls.keys[before:]
    assert own[:3] == [2 * SETTLED, 2 * SETTLED + 8, 2 * SETTLED + 16]
    assert calls.videos[1].counts.keyframes <= 2
    assert max(calls.errors) < 3


def test_a_receiver_that_joins_the_track_later_gets_a_key_frame_of_its_own(calls: Calls) -> None:
    calls.run(3 * SETTLED)

    calls.videos[0].keyframe()
    calls.decoder = av.CodecContext.create("h264", "r")
    calls.run(10)

    assert max(calls.errors) < 3
