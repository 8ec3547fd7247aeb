from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiortc.rtcrtpparameters import RTCRtcpParameters, RTCRtpSendParameters
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket, RtpPacket

from rtav.transports.webrtc.codecs import Codec
from rtav.transports.webrtc.sender import Feedback, PushSender


class Line:
    """A DTLS transport that notes what is sent, in the clear."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        seal = SimpleNamespace(protect=lambda packet: packet, protect_rtcp=lambda packet: packet)
        socket = SimpleNamespace(sendto=lambda packet, _: self.sent.append(packet))
        pair = SimpleNamespace(protocol=SimpleNamespace(transport=socket), remote_addr=None)
        self._tx_srtp = seal
        self.transport = SimpleNamespace(_connection=SimpleNamespace(_nominated={1: pair}))
        self._rtp_router = SimpleNamespace(register_sender=lambda *_, **__: None)

    def _register_rtp_sender(self, *_: Any) -> None:
        pass


async def video(line: Line) -> PushSender:
    codec = Codec(name="h264", payload_type=96, rtx_payload_type=97)
    sender = PushSender([codec], line, "stream")  # type: ignore[arg-type]
    sender.listen(
        Feedback(ready=lambda: None, keyframe_wanted=lambda: None, bitrate_changed=lambda _: None)
    )
    await sender.send(RTCRtpSendParameters(muxId="1", rtcp=RTCRtcpParameters(cname="rtav")))
    return sender


def test_payloads_that_several_calls_send_are_sent_again_to_who_has_lost_them() -> None:
    async def check() -> None:
        lines = [Line(), Line()]
        one, other = [await video(line) for line in lines]
        shared = [b"first half", b"second half"]
        for sender in (one, other):
            sender.push(shared, 3_600)
        first, lost = (RtpPacket.parse(packet) for packet in lines[0].sent)

        nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=lost.ssrc)
        nack.lost = [lost.sequence_number]
        await one._handle_rtcp_packet(nack)

        again = RtpPacket.parse(lines[0].sent[-1])
        assert (first.payload, lost.payload) == (b"first half", b"second half")
        assert again.payload_type == 97
        assert again.payload == lost.sequence_number.to_bytes(2, "big") + b"second half"
        assert again.timestamp == lost.timestamp
        assert (one.retransmitted, other.retransmitted) == (1, 0)
        assert len(lines[1].sent) == 2
        assert shared == [b"first half", b"second half"]

    asyncio.run(check())
