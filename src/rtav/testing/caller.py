"""A caller by WebRTC in the process of the test, and a listener that writes everything down.

Unrealistic about it: both ends share one event loop, its only address is loopback, so that it
runs where there is no other, and what it hears and sees is aiortc's rendering, not a browser's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from aioice import Candidate
from aioice.ice import Connection
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtp import AnyRtcpPacket, is_rtcp

from rtav.transports.webrtc.internals import ice_of, transport_of
from rtav.transports.webrtc.webrtc import IceSettings, WebRtc, WebRtcPeer

RTP_FIRST_BYTE = 128  # below it are STUN and DTLS (RFC 7983)


class Recorder:
    """A `PeerListener`."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.label = self.subprotocol = ""
        self.messages: list[str | bytes] = []
        self.packets: list[tuple[int, int, bytes]] = []
        self.bitrates: list[int] = []
        self.keyframes = 0
        self.gone_at = 0.0

    @property
    def is_gone(self) -> bool:
        return any(event.startswith("gone") for event in self.events)

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


class Caller:
    """An aiortc client that can do everything to a server, vanish included."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel | None = None
        self.messages: list[str | bytes] = []
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.pc.on("track", self._arrived)

    @property
    def transport(self) -> RTCDtlsTransport:
        """The DTLS transport, once there is an answer."""
        return transport_of(self.pc)

    def open_channel(self, label: str = "oai-events", *, protocol: str = "") -> RTCDataChannel:
        self.channel = self.pc.createDataChannel(label, protocol=protocol)
        self.channel.on("message", self.messages.append)
        return self.channel

    def speak(self) -> None:
        """Audio both ways; a microphone that hears silence."""
        self.pc.addTrack(AudioStreamTrack())

    def listen(self) -> None:
        self.pc.addTransceiver("audio", "recvonly")

    def watch(self, *codecs: str, direction: str = "recvonly") -> None:
        """Video, of `codecs` ("VP8", "H264") in this order of preference."""
        transceiver = self.pc.addTransceiver("video", direction)
        if codecs:
            known = RTCRtpSender.getCapabilities("video").codecs
            wanted = [f"video/{codec}" for codec in (*codecs, "rtx")]
            chosen = [codec for name in wanted for codec in known if codec.mimeType == name]
            transceiver.setCodecPreferences(chosen)

    async def offer(self) -> str:
        for connection in self._connections():
            _use_only_loopback(connection)
        await self.pc.setLocalDescription()
        return str(self.pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        _record(self.transport, "_handle_rtp_data", self.rtp)
        _record(self.transport, "_handle_rtcp_data", self.rtcp)

    async def send_rtcp(self, packet: AnyRtcpPacket) -> None:
        await self.transport._send_rtp(bytes(packet))

    def lose_rtp(self, count: int) -> None:
        """Lose the next `count` RTP packets from the server."""
        connection = ice_of(self.transport)
        receive = connection.data_received
        left = count

        def lossy(data: bytes, component: int) -> None:
            nonlocal left
            if left and data[0] >= RTP_FIRST_BYTE and not is_rtcp(data):
                left -= 1
            else:
                receive(data, component)

        vars(connection)["data_received"] = lossy

    def die(self) -> None:
        """Vanish as a killed process does: the sockets close and nothing is said."""
        for connection in self._connections():
            for protocol in connection._protocols:
                protocol.transport.abort()

    async def leave(self) -> None:
        """Say goodbye, or clean up after `die`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.pc.close()

    def _arrived(self, track: MediaStreamTrack) -> None:
        self.tracks[track.kind] = track

    def _connections(self) -> list[Connection]:
        transports = {t.receiver.transport for t in self.pc.getTransceivers()}
        if self.pc.sctp is not None:
            transports.add(self.pc.sctp.transport)
        return [ice_of(transport) for transport in transports]


@contextlib.asynccontextmanager
async def serving(settings: IceSettings | None = None) -> AsyncIterator[WebRtc]:
    """A started `WebRtc` on loopback."""
    web = WebRtc(settings or IceSettings(bind=("127.0.0.1",)))
    await web.start()
    try:
        yield web
    finally:
        await web.close()


@contextlib.asynccontextmanager
async def calling() -> AsyncIterator[Caller]:
    """A caller that leaves at the end."""
    caller = Caller()
    try:
        yield caller
    finally:
        await caller.leave()


async def call(
    web: WebRtc,
    caller: Caller,
    *,
    change_offer: Callable[[str], str] = lambda offer: offer,
    video_codec: str | None = None,
) -> tuple[WebRtcPeer, Recorder]:
    """Offer, answer, and wait until everything that was offered is up."""
    peer = await web.connect(change_offer(await caller.offer()), video_codec=video_codec)
    recorder = Recorder()
    peer.listen(recorder)
    await caller.accept(await peer.answer())
    expected = {"opened"} if caller.channel is not None else set()
    expected |= {"media_ready"} if peer.audio or peer.video else set()
    await until(lambda: set(recorder.events) == expected)
    await until(lambda: caller.channel is None or caller.channel.readyState == "open")
    return peer, recorder


async def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - nobody tells when a client has got a packet
            await asyncio.sleep(0.005)


def _use_only_loopback(connection: Connection) -> None:
    gather = connection.get_component_candidates

    async def gather_loopback(component: int, addresses: list[str]) -> list[Candidate]:
        return await gather(component, ["127.0.0.1"])

    vars(connection)["get_component_candidates"] = gather_loopback


def _record(transport: RTCDtlsTransport, method: str, into: list[bytes]) -> None:
    handle = getattr(transport, method)

    async def recording(data: bytes, **more: object) -> None:
        into.append(data)
        await handle(data, **more)

    vars(transport)[method] = recording
