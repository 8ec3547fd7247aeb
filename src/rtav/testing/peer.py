"""A client without a network: plays what a client does and records what it would get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtav.media.opus import RTP_RATE_HZ, OpusEncoder
from rtav.media.pcm import SESSION_RATE_HZ, TICK_SAMPLES, Pcm
from rtav.runtime.peer import PeerListener, PeerMedia, PeerStats, VideoFormat

PACKET_S = TICK_SAMPLES / SESSION_RATE_HZ
_RTP_STEP = RTP_RATE_HZ // 50

WEBRTC = PeerMedia(
    transport="webrtc",
    hears=True,
    speaks=True,
    video=VideoFormat(codec="h264", max_pixels=921_600),
    max_message_bytes=262_144,
)
"""A browser with voice and face."""

WEBSOCKET = PeerMedia(
    transport="websocket", hears=False, speaks=False, video=None, max_message_bytes=1 << 24
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One frame that was pushed to a track."""

    payloads: tuple[bytes, ...]
    codec: str
    """As the call said it; empty where it said nothing."""
    rtp_time: int
    at_s: float
    """The loop's time."""


class FakeTrack:
    """Keeps what is pushed while it is ready."""

    def __init__(self) -> None:
        self.ready = False
        self.loss = 0.0
        self.codec = ""
        self.sent: list[Sent] = []
        self.reports: list[tuple[float, int]] = []

    def push(self, payloads: Sequence[bytes], rtp_time: int) -> None:
        if self.ready:
            at_s = asyncio.get_running_loop().time()
            self.sent.append(
                Sent(payloads=tuple(payloads), codec=self.codec, rtp_time=rtp_time, at_s=at_s)
            )

    def use(self, codec: str) -> None:
        self.codec = codec

    def report(self, wall: float, rtp_time: int) -> None:
        self.reports.append((wall, rtp_time))


class FakePeer:
    """A connected client in the hands of a test.

    The methods of `Peer` are the call's; `open`, `say`, `hear`, `vanish` and the like are the
    client's. Unrealistic: nothing is ever sent late or in pieces, messages never wait to be sent
    unless `buffered_bytes` is set, and every packet arrives unless the test loses it.
    """

    def __init__(self, media: PeerMedia = WEBRTC) -> None:
        self.media = media
        self.audio: FakeTrack | None = FakeTrack() if media.hears else None
        self.video: FakeTrack | None = FakeTrack() if media.video else None
        self.buffered_bytes = 0
        self.figures = PeerStats()
        """What `stats` returns."""
        self.events: list[dict[str, Any]] = []
        """What the client got on its event channel, in order."""
        self.times: list[float] = []
        """When it got each of them, by the loop's clock."""
        self.gone: str | None = None
        """Why the connection ended; None while it lasts."""
        self._listener: PeerListener | None = None
        self._encoder = OpusEncoder()
        self._sequence = 0
        self._news = asyncio.Event()

    # --- what a call does ---------------------------------------------------------------------

    def listen(self, listener: PeerListener) -> None:
        assert self._listener is None, "a peer has one listener"
        self._listener = listener

    def stats(self) -> PeerStats:
        return self.figures

    def send(self, message: str) -> None:
        if self.gone is not None:
            return
        if len(message.encode()) > self.media.max_message_bytes:
            raise ValueError("longer than max_message_bytes")
        self.events.append(json.loads(message))
        self.times.append(asyncio.get_running_loop().time())
        self._news.set()

    async def close(self, reason: str, words: str = "") -> None:
        self._end(reason)

    # --- what a client does -------------------------------------------------------------------

    def open(self, *, label: str = "oai-events", subprotocol: str = "") -> None:
        """Finish the handshake: the event channel is open and the tracks are ready."""
        for track in (self.audio, self.video):
            if track is not None:
                track.ready = True
        listener = self._call
        listener.opened(label=label, subprotocol=subprotocol)
        if self.audio is not None or self.video is not None:
            listener.media_ready()

    def say(self, event: Mapping[str, Any] | str | bytes) -> None:
        """Send one message: an event, or anything else as it is."""
        message = event if isinstance(event, str | bytes) else json.dumps(dict(event))
        self._call.received(message)

    async def hear(
        self,
        pcm: Pcm,
        *,
        lost: Collection[int] = (),
        late_s: Mapping[int, float] | None = None,
    ) -> None:
        """Let the server hear `pcm` (int16 at SESSION_RATE_HZ) in real time, 20 ms a packet.

        The packets numbered in `lost` (0 is the first of this call) never arrive, those in
        `late_s` so many seconds late, and thus perhaps out of order. The last 20 ms are filled
        with silence. Returns when the last packet has arrived.
        """
        loop, late = asyncio.get_running_loop(), late_s or {}
        begin, first = loop.time(), self._sequence
        packets = self._packets(pcm)
        self._sequence += len(packets)
        arrivals = sorted(
            (begin + (index + 1) * PACKET_S + late.get(index, 0.0), index)
            for index in range(len(packets))
            if index not in lost
        )
        for when, index in arrivals:
            await asyncio.sleep(max(0.0, when - loop.time()))
            if self.gone is not None:
                return
            sequence = first + index
            self._call.heard(sequence % (1 << 16), sequence * _RTP_STEP, packets[index])
        await asyncio.sleep(max(0.0, begin + len(packets) * PACKET_S - loop.time()))

    async def hear_silence(self, seconds: float) -> None:
        await self.hear(np.zeros(round(seconds * SESSION_RATE_HZ), np.int16))

    def ask_keyframe(self) -> None:
        self._call.keyframe_wanted()

    def limit_bitrate(self, bitrate: int) -> None:
        self._call.bitrate_changed(bitrate)

    def vanish(self, reason: str = "no packet for 5 s") -> None:
        """Be gone, as the transport finds out when its watchdog has waited long enough."""
        self._end(reason)

    # --- what a test asks ---------------------------------------------------------------------

    def got(self, kind: str) -> list[dict[str, Any]]:
        """The events of this type so far."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def types(self) -> list[str]:
        """The types of all events so far."""
        return [event["type"] for event in self.events]

    async def wait_for(self, kind: str, *, count: int = 1, limit_s: float = 30.0) -> dict[str, Any]:
        """The `count`-th event of this type, which may have come before.

        Raises TimeoutError if it has not come within `limit_s`.
        """
        async with asyncio.timeout(limit_s):
            while len(found := self.got(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    @property
    def _call(self) -> PeerListener:
        assert self._listener is not None, "nobody listens to this peer"
        return self._listener

    def _packets(self, pcm: Pcm) -> list[bytes]:
        padded = np.concatenate((pcm, np.zeros(-len(pcm) % TICK_SAMPLES, np.int16)))
        return [self._encoder.encode(tick) for tick in padded.reshape(-1, TICK_SAMPLES)]

    def _end(self, reason: str) -> None:
        if self.gone is not None:
            return
        self.gone = reason
        for track in (self.audio, self.video):
            if track is not None:
                track.ready = False
        if self._listener is not None:
            self._listener.gone(reason)
