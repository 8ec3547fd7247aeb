"""Sends ready payloads as RTP at the moment they are pushed."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpSendParameters
from aiortc.rtcrtpsender import random_sequence_number
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from aiortc.stats import RTCStatsReport
from aiortc.utils import random32

from rtav.transports.webrtc.codecs import Codec
from rtav.transports.webrtc.congestion import Ceiling
from rtav.transports.webrtc.sdp import MID_EXTENSION, SEND_TIME_EXTENSION

HISTORY = 512  # packets kept for retransmission: more than 3 s of video at 140 packets/s
RESEND_AFTER_S = 0.01  # a packet asked for twice in a row is on its way already
REPORTS_KEPT = 8  # the answer to one of the first, 100 ms apart, comes after the next
NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970

_VERSION_WITH_EXTENSION = 0x90
_MARKER = 0x80
_ONE_BYTE_EXTENSIONS = 0xBEDE
_CNAME_ITEM = 1
_SEND_TIME_FRACTION_BITS = 18
_DELAY_UNITS_PER_S = 65_536  # delay since the last sender report (RFC 3550, section 6.4.1)
_FIR_ENTRY_BYTES = 8


@dataclass(slots=True)
class _Sent:
    """A packet that may be asked for again."""

    sequence: int
    packet: bytes
    resent_at: float = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Who wants to know what the client says about a track."""

    ready: Callable[[], None]
    keyframe_wanted: Callable[[], None]
    bitrate_changed: Callable[[int], None]


class PushSender:
    """One outgoing track, in the place of aiortc's RTCRtpSender.

    aiortc's own sender pulls: a task per track awaits `recv()`, encodes in an executor and takes
    the time of the last packet for its reports, so two tracks have two clocks with a queue before
    each. Here the egress clock pushes, and its reports say what it says: the skew of voice and
    lips is 1 ms in the median, at half the cost.
    """

    def __init__(
        self, codecs: Sequence[Codec], transport: RTCDtlsTransport, stream_id: str
    ) -> None:
        """`codecs` are those that were answered; the first is used until `use` names another."""
        self.kind = "audio" if codecs[0].name == "opus" else "video"
        self.track = None
        self.transport = transport
        self.loss = 0.0
        """Fraction of the last interval's packets that the client missed."""
        self.rtt_s: float | None = None
        self.estimate: int | None = None
        """The client's last word on the bandwidth, bit/s, uninterpreted."""
        self.packets_sent = 0
        self.retransmitted = 0
        self._codecs, self._codec = codecs, codecs[0]
        self._retransmissions = {
            codec.payload_type: codec.rtx_payload_type
            for codec in codecs
            if codec.rtx_payload_type is not None
        }
        self._loop = asyncio.get_running_loop()
        self._feedback: Feedback | None = None
        self._enabled = True
        self._ready = False
        self._ssrc = random32()
        self._rtx_ssrc = random32()
        # One stream for both tracks: browsers synchronise only within it, and clients that play
        # `event.streams[0]` would hear nothing from a second one.
        self._stream_id = stream_id
        self._track_id = f"{stream_id}-{self.kind}"
        self._octets_sent = 0
        self._ceiling = Ceiling()
        self._sequence = random_sequence_number()  # low: a wrap among the first breaks SRTP
        self._rtx_sequence = random_sequence_number()
        self._origin = random32()  # RTP time of the call's first sample
        self._history: list[_Sent | None] = [None] * HISTORY
        self._reports: deque[tuple[int, float]] = deque(maxlen=REPORTS_KEPT)
        self._fir_sequence: int | None = None
        self._cname = b""
        self._extension_head = b""
        self._send_time_head = b""

    # Track

    @property
    def ready(self) -> bool:
        return self._ready

    def push(self, payloads: Sequence[bytes], rtp_time: int) -> None:
        if not self._ready or not payloads:
            return
        time = (self._origin + rtp_time) & 0xFFFFFFFF
        extensions = self._extensions()
        last = len(payloads) - 1
        for index, payload in enumerate(payloads):
            marker = _MARKER if index == last and self.kind == "video" else 0
            header = struct.pack(
                "!BBHLL",
                _VERSION_WITH_EXTENSION,
                self._codec.payload_type | marker,
                self._sequence,
                time,
                self._ssrc,
            )
            packet = header + extensions + payload
            if self.kind == "video":
                self._history[self._sequence % HISTORY] = _Sent(self._sequence, packet)
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.packets_sent += 1
            self._octets_sent += len(payload)
            self._write(packet)
        if self.kind == "video":
            self._ceiling.sent(self._loop.time(), sum(map(len, payloads)))

    def use(self, codec: str) -> None:
        self._codec = next(known for known in self._codecs if known.name == codec)

    def report(self, wall: float, rtp_time: int) -> None:
        if not self._ready:
            return
        ntp = int((wall + NTP_EPOCH_S) * (1 << 32))
        info = RtcpSenderInfo(
            ntp_timestamp=ntp,
            rtp_timestamp=(self._origin + rtp_time) & 0xFFFFFFFF,
            packet_count=self.packets_sent & 0xFFFFFFFF,
            octet_count=self._octets_sent & 0xFFFFFFFF,
        )
        self._reports.append(((ntp >> 16) & 0xFFFFFFFF, self._loop.time()))
        source = RtcpSourceInfo(ssrc=self._ssrc, items=[(_CNAME_ITEM, self._cname)])
        report = RtcpSrPacket(ssrc=self._ssrc, sender_info=info)
        self._write_rtcp(bytes(report) + bytes(RtcpSdesPacket(chunks=[source])))

    # The peer's

    def listen(self, feedback: Feedback) -> None:
        self._feedback = feedback

    def silence(self) -> None:
        """The call is over: drop what is still pushed, tell nobody anything."""
        self._ready = False
        self._feedback = None
        self._history = [None] * HISTORY

    # aiortc's

    def setTransport(self, transport: RTCDtlsTransport) -> None:
        self.transport = transport

    async def getStats(self) -> RTCStatsReport:
        return RTCStatsReport()

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        """The handshake is done."""
        if self._ready or self._feedback is None:
            return
        self._cname = (parameters.rtcp.cname or "").encode()
        ids = {extension.uri: extension.id for extension in parameters.headerExtensions}
        self._plan_extensions(ids, parameters.muxId.encode())
        self.transport._register_rtp_sender(self, parameters)
        if self.kind == "video":
            # RFC 5104, section 4.3.1.2: a FIR names its source in the body and 0 in the header.
            self.transport._rtp_router.register_sender(self, ssrc=0)
        self._ready = True
        self._feedback.ready()

    async def stop(self) -> None:
        self.transport._unregister_rtp_sender(self)
        self._write_rtcp(bytes(RtcpByePacket(sources=[self._ssrc])))
        self.silence()

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            self._heed_reports(packet)
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            for sequence in packet.lost:
                self._retransmit(sequence)
        elif isinstance(packet, RtcpPsfbPacket):
            self._heed_payload_feedback(packet)

    # Helpers

    def _heed_reports(self, packet: RtcpRrPacket | RtcpSrPacket) -> None:
        for report in packet.reports:
            if report.ssrc != self._ssrc:
                continue
            self.loss = report.fraction_lost / 256
            sent_at = next((at for ntp, at in self._reports if ntp == report.lsr), None)
            if sent_at is not None:
                delay_s = report.dlsr / _DELAY_UNITS_PER_S
                self.rtt_s = max(0.0, self._loop.time() - sent_at - delay_s)

    def _heed_payload_feedback(self, packet: RtcpPsfbPacket) -> None:
        if self._feedback is None:
            return
        if packet.fmt == RTCP_PSFB_PLI and packet.media_ssrc == self._ssrc:
            self._feedback.keyframe_wanted()
        elif packet.fmt == RTCP_PSFB_FIR and self._is_new_fir(packet.fci):
            self._feedback.keyframe_wanted()
        elif packet.fmt == RTCP_PSFB_APP:
            try:
                bitrate, sources = unpack_remb_fci(packet.fci)
            except (ValueError, struct.error):  # another application's, or cut short
                return
            if self._ssrc in sources:
                self._heed_estimate(bitrate)

    def _heed_estimate(self, bitrate: int) -> None:
        self.estimate = bitrate
        ceiling = self._ceiling.estimated(self._loop.time(), bitrate)
        if ceiling is not None and self._feedback is not None:
            self._feedback.bitrate_changed(ceiling)

    def _is_new_fir(self, entries: bytes) -> bool:
        """True if one of `entries` is for us and not the repetition of the last one."""
        for start in range(0, len(entries) - _FIR_ENTRY_BYTES + 1, _FIR_ENTRY_BYTES):
            source, sequence = struct.unpack_from("!LB", entries, start)
            if source == self._ssrc:
                is_new: bool = sequence != self._fir_sequence
                self._fir_sequence = sequence
                return is_new
        return False

    def _retransmit(self, sequence: int) -> None:
        sent = self._history[sequence % HISTORY]
        now = self._loop.time()
        if sent is None or sent.sequence != sequence or now - sent.resent_at < RESEND_AFTER_S:
            return
        sent.resent_at = now
        self.retransmitted += 1
        packet = sent.packet
        rtx_payload_type = self._retransmissions.get(packet[1] & ~_MARKER)
        if rtx_payload_type is not None:  # RFC 4588
            start = 12 + len(self._extensions())
            header = struct.pack(
                "!BBH4sL",
                packet[0],
                packet[1] & _MARKER | rtx_payload_type,
                self._rtx_sequence,
                packet[4:8],
                self._rtx_ssrc,
            )
            original = struct.pack("!H", sequence)
            packet = header + self._extensions() + original + packet[start:]
            self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        self._write(packet)

    def _plan_extensions(self, ids: dict[str, int], mid: bytes) -> None:
        """Everything of the header extensions that is the same in each packet (RFC 8285)."""
        body = b""
        if (number := ids.get(MID_EXTENSION)) is not None:
            body += bytes([number << 4 | len(mid) - 1]) + mid
        if (number := ids.get(SEND_TIME_EXTENSION)) is not None:
            self._send_time_head = bytes([number << 4 | 2])
        size = len(body) + (4 if self._send_time_head else 0)
        words = (size + 3) // 4
        self._extension_head = struct.pack("!HH", _ONE_BYTE_EXTENSIONS, words)
        self._extension_head += body + bytes(4 * words - size)  # padding may stand anywhere

    def _extensions(self) -> bytes:
        if not self._send_time_head:
            return self._extension_head
        # Receivers use differences only, so any steady clock will do.
        time = int(self._loop.time() * (1 << _SEND_TIME_FRACTION_BITS)) & 0xFFFFFF
        return self._extension_head + self._send_time_head + time.to_bytes(3, "big")

    def _write(self, packet: bytes) -> None:
        """Straight to the socket: nothing on this way suspends, so no coroutine is needed."""
        session = self.transport._tx_srtp
        pair = self.transport.transport._connection._nominated.get(1)
        if session is not None and pair is not None:
            pair.protocol.transport.sendto(session.protect(packet), pair.remote_addr)

    def _write_rtcp(self, packet: bytes) -> None:
        session = self.transport._tx_srtp
        pair = self.transport.transport._connection._nominated.get(1)
        if session is not None and pair is not None:
            pair.protocol.transport.sendto(session.protect_rtcp(packet), pair.remote_addr)
