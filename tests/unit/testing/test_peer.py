from __future__ import annotations

import asyncio

import numpy as np
import pytest

from rtav.media.opus import OpusDecoder
from rtav.runtime.peer import Peer, PeerListener
from rtav.testing.peer import WEBSOCKET, FakePeer
from rtav.testing.virtual import run


class Recorder:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.packets: list[tuple[int, int, float]] = []
        self.payloads: list[bytes] = []

    def opened(self, *, label: str, subprotocol: str) -> None:
        self.log.append(("opened", label, subprotocol))

    def media_ready(self) -> None:
        self.log.append("media_ready")

    def received(self, message: str | bytes) -> None:
        self.log.append(message)

    def heard(self, sequence: int, rtp_time: int, payload: bytes) -> None:
        self.packets.append((sequence, rtp_time, round(asyncio.get_running_loop().time(), 3)))
        self.payloads.append(payload)

    def keyframe_wanted(self) -> None:
        self.log.append("keyframe")

    def bitrate_changed(self, bitrate: int) -> None:
        self.log.append(bitrate)

    def gone(self, reason: str) -> None:
        self.log.append(("gone", reason))


def _connected(peer: FakePeer) -> Recorder:
    recorder: PeerListener = Recorder()
    real: Peer = peer
    real.listen(recorder)
    assert isinstance(recorder, Recorder)
    return recorder


def test_opening_tells_the_call_and_readies_the_tracks() -> None:
    peer = FakePeer()
    recorder = _connected(peer)
    peer.open(label="realtime")
    assert recorder.log == [("opened", "realtime", ""), "media_ready"]
    assert peer.audio is not None
    assert peer.audio.ready


def test_a_peer_without_tracks_has_no_media_to_be_ready() -> None:
    peer = FakePeer(WEBSOCKET)
    recorder = _connected(peer)
    peer.open()
    assert recorder.log == [("opened", "oai-events", "")]


def test_events_are_kept_with_the_time_they_came() -> None:
    async def main() -> FakePeer:
        peer = FakePeer()
        _connected(peer)
        await asyncio.sleep(2)
        peer.send('{"type": "session.created"}')
        return peer

    peer = run(main())
    assert (peer.types, peer.times) == (["session.created"], [2.0])


def test_a_message_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="max_message_bytes"):
        FakePeer().send('"' + "x" * 262_144 + '"')


def test_an_event_that_is_still_to_come_is_waited_for() -> None:
    async def main() -> object:
        peer = FakePeer()
        loop = asyncio.get_running_loop()
        loop.call_later(1, peer.send, '{"type": "error", "n": 1}')
        loop.call_later(2, peer.send, '{"type": "error", "n": 2}')
        return await peer.wait_for("error", count=2)

    assert run(main()) == {"type": "error", "n": 2}


def test_an_event_that_never_comes_is_given_up() -> None:
    async def main() -> None:
        await FakePeer().wait_for("response.done", limit_s=5)

    with pytest.raises(TimeoutError):
        run(main())


def test_audio_comes_packet_by_packet_in_real_time() -> None:
    async def main() -> Recorder:
        peer = FakePeer()
        recorder = _connected(peer)
        await peer.hear(np.zeros(1000, np.int16))
        return recorder

    assert run(main()).packets == [(0, 0, 0.02), (1, 960, 0.04), (2, 1920, 0.06)]


def test_packets_get_lost_and_come_late() -> None:
    async def main() -> Recorder:
        peer = FakePeer()
        recorder = _connected(peer)
        await peer.hear(np.zeros(4 * 480, np.int16), lost={0}, late_s={1: 0.05})
        return recorder

    assert run(main()).packets == [(2, 1920, 0.06), (3, 2880, 0.08), (1, 960, 0.09)]


def test_the_next_audio_continues_the_sequence_also_after_a_lost_packet() -> None:
    async def main() -> Recorder:
        peer = FakePeer()
        recorder = _connected(peer)
        await peer.hear(np.zeros(960, np.int16), lost={1})
        await peer.hear(np.zeros(480, np.int16))
        return recorder

    assert run(main()).packets == [(0, 0, 0.02), (2, 1920, 0.06)]


def test_what_is_heard_is_opus() -> None:
    async def main() -> Recorder:
        peer = FakePeer()
        recorder = _connected(peer)
        tone = 8_000 * np.sin(2 * np.pi * 440 * np.arange(4_800) / 24_000)
        await peer.hear(tone.astype(np.int16))
        return recorder

    decoder = OpusDecoder()
    heard = np.concatenate([decoder.decode(packet) for packet in run(main()).payloads])
    assert len(heard) == 3_200
    assert np.abs(heard[1600:]).max() > 6_000


def test_a_peer_that_vanished_tells_it_once_and_takes_nothing_more() -> None:
    async def main() -> tuple[FakePeer, Recorder]:
        peer = FakePeer()
        recorder = _connected(peer)
        peer.open()
        peer.vanish()
        await peer.close("too late")
        peer.send("{}")
        assert peer.audio is not None
        peer.audio.push([b"x"], 0)
        assert peer.audio.sent == []
        return peer, recorder

    peer, recorder = run(main())
    assert recorder.log[2:] == [("gone", "no packet for 5 s")]
    assert peer.events == []


def test_a_client_that_leaves_while_it_speaks_is_not_heard_any_more() -> None:
    async def main() -> Recorder:
        peer = FakePeer()
        recorder = _connected(peer)
        asyncio.get_running_loop().call_later(0.05, peer.vanish)
        await peer.hear(np.zeros(48_000, np.int16))
        return recorder

    assert len(run(main()).packets) == 2
