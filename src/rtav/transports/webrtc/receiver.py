"""Hands over the microphone's packets as they arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import RtpPacket
from aiortc.stats import RTCStatsReport

Heard = Callable[[int, int, bytes], None]
"""Sequence number, RTP time and payload of one packet."""

_HALF = 1 << 15


class PushReceiver:
    """One incoming track, in the place of aiortc's RTCRtpReceiver.

    aiortc's own starts a decoder thread per track and holds the first four packets (80 ms) back.
    This one has neither thread nor buffer nor reports: ordering and decoding are the ingress's.
    """

    def __init__(self, payload_type: int, transport: RTCDtlsTransport) -> None:
        self.track = None
        self.transport = transport
        self.received = 0
        self._payload_type = payload_type
        self._heard: Heard | None = None
        self._enabled = True
        self._first: int | None = None
        self._highest = 0  # extended sequence number

    @property
    def lost(self) -> int:
        """Packets that should have arrived and have not, so far."""
        if self._first is None:
            return 0
        return max(0, self._highest - self._first + 1 - self.received)

    # The peer's

    def listen(self, heard: Heard | None) -> None:
        self._heard = heard

    # aiortc's

    def setTransport(self, transport: RTCDtlsTransport) -> None:
        self.transport = transport

    async def getStats(self) -> RTCStatsReport:
        return RTCStatsReport()

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        self.transport._register_rtp_receiver(self, parameters)

    async def stop(self) -> None:
        self.transport._unregister_rtp_receiver(self)
        self._heard = None

    def _handle_disconnect(self) -> None: ...

    async def _handle_rtcp_packet(self, packet: Any) -> None: ...

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if self._heard is None or packet.payload_type != self._payload_type:
            return
        self._count(packet.sequence_number)
        self._heard(packet.sequence_number, packet.timestamp, packet.payload)

    def _count(self, sequence: int) -> None:
        self.received += 1
        if self._first is None:
            self._first = self._highest = sequence
            return
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < _HALF:
            self._highest += ahead
