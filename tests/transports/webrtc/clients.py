"""aiortc clients and a recording listener."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
from collections.abc import AsyncIterator, Callable

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from rtav.transports.webrtc.webrtc import IceSettings, WebRtc, WebRtcPeer


class Recorder:
    """A PeerListener that writes everything down."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.label = self.subprotocol = ""
        self.messages: list[str | bytes] = []
        self.packets: list[tuple[int, int, bytes]] = []
        self.bitrates: list[int] = []
        self.keyframes = 0
        self.gone_at: float | None = None

    def opened(self, *, label: str, subprotocol: str) -> None:
        self.events.append("opened")
        self.label, self.subprotocol = label, subprotocol

    def media_ready(self) -> None:
        self.events.append("media_ready")

    def received(self, message: str | bytes) -> None:
        self.messages.append(message)

    def heard(self, sequence: int, rtp_time: int, payload: bytes) -> None:
        self.packets.append((sequence, rtp_time, payload))

    def keyframe_wanted(self) -> None:
        self.keyframes += 1

    def bitrate_changed(self, bitrate: int) -> None:
        self.bitrates.append(bitrate)

    def gone(self, reason: str) -> None:
        self.events.append(f"gone: {reason}")
        self.gone_at = asyncio.get_running_loop().time()


class Client:
    """One aiortc client in this process."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel = None
        self.messages: list[str | bytes] = []
        self.tracks: list[MediaStreamTrack] = []
        self.pc.on("track", self.tracks.append)

    def open_channel(self, label: str = "oai-events", **options: object):
        self.channel = self.pc.createDataChannel(label, **options)
        self.channel.on("message", self.messages.append)
        return self.channel

    def speak(self) -> None:
        self.pc.addTrack(AudioStreamTrack())

    def watch(self, *codecs: str, direction: str = "recvonly") -> None:
        transceiver = self.pc.addTransceiver("video", direction)
        if codecs:
            known = RTCRtpSender.getCapabilities("video").codecs
            names = [f"video/{codec}" for codec in codecs]
            chosen = [c for name in names for c in known if c.mimeType == name]
            transceiver.setCodecPreferences(
                [*chosen, *[c for c in known if c.mimeType == "video/rtx"]]
            )

    async def offer(self) -> str:
        await self.pc.setLocalDescription()
        return self.pc.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def die(self) -> None:
        """Vanish as a killed process does: the sockets close, nothing is said."""
        for ice in self._connections():
            for protocol in ice._protocols:
                protocol.transport.abort()

    async def forget(self) -> None:
        """Clean up this process after `die`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.pc.close()

    def _connections(self):
        transports = {t.receiver.transport for t in self.pc.getTransceivers()}
        if self.pc.sctp is not None:
            transports.add(self.pc.sctp.transport)
        return [transport.transport._connection for transport in transports]


@contextlib.asynccontextmanager
async def server(**settings: object) -> AsyncIterator[WebRtc]:
    settings.setdefault("bind", ("127.0.0.1",))
    web = WebRtc(IceSettings(**settings))
    await web.start()
    try:
        yield web
    finally:
        await web.close()


async def call(
    web: WebRtc,
    client: Client,
    *,
    change_offer: Callable[[str], str] = lambda offer: offer,
    video_codec: str | None = None,
) -> tuple[WebRtcPeer, Recorder]:
    """Offer, answer, and wait until both sides are up."""
    peer = await web.connect(change_offer(await client.offer()), video_codec=video_codec)
    recorder = Recorder()
    peer.listen(recorder)
    await client.accept(await peer.answer())
    await until(lambda: recorder.events.count("opened") == (client.channel is not None))
    if peer.audio is not None or peer.video is not None:
        await until(lambda: "media_ready" in recorder.events)
    return peer, recorder


async def until(condition: Callable[[], bool], timeout_s: float = 3.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


def without_candidates(offer: str) -> str:
    kept = [
        line
        for line in offer.splitlines()
        if not line.startswith(("a=candidate", "a=end-of-candidates"))
    ]
    return "\r\n".join(kept) + "\r\n"


def frame(number: int, size: int = 64) -> av.VideoFrame:
    picture = av.VideoFrame.from_ndarray(
        np.full((size * 3 // 2, size), 40 + 5 * (number % 30), np.uint8), format="yuv420p"
    )
    picture.pts = number * 3600
    picture.time_base = fractions.Fraction(1, 90_000)
    return picture
