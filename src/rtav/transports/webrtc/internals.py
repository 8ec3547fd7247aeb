"""Every place where we reach into aiortc 1.16 and aioice 0.13.

Both are pinned to these versions, and tests/transports/webrtc/test_internals.py fails when one of
the following has changed.

aiortc
* `RTCPeerConnection.__connect`: the task that carries out the handshake; its failure is nobody's.
* `RTCRtpTransceiver.__sender`, `.__receiver`, `._codecs`: replaced by ours after
  `setRemoteDescription`. aiortc calls on a sender `send`, `stop`, `setTransport`, `getStats`,
  `_handle_rtcp_packet` and reads `_ssrc`, `_rtx_ssrc`, `_stream_id`, `_track_id`, `_enabled`;
  on a receiver `receive`, `stop`, `setTransport`, `getStats`, `_handle_rtp_packet`,
  `_handle_rtcp_packet`, `_handle_disconnect` and reads `_enabled`.
* `RTCDtlsTransport._recv_next`, `._setup_srtp`, `._tx_srtp`, `._register_rtp_sender`,
  `._unregister_rtp_sender`, `._register_rtp_receiver`, `._unregister_rtp_receiver`,
  `._rtp_router.register_sender`.
* `RTCIceTransport._connection`.
* `RTCSctpTransport._send_chunk`, `._get_inbound_stream`, `._inbound_streams`,
  `._outbound_queue`, `._flight_size`; `InboundStream.add_chunk`, `.pop_messages`,
  `.prune_chunks`, `.reassembly`.

aioice
* `Connection.get_component_candidates`, `._protocols`, `._nominated`, `.build_request`.
* `StunProtocol.datagram_received`, `.connection_made`, `.connection_lost`, `.send_stun`,
  `.local_candidate`, `.receiver`, `.transport`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aioice.ice import Connection
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver, RTCSctpTransport
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters
from aiortc.rtcsctptransport import Chunk, InboundStream
from aiortc.sdp import parameters_from_sdp

from rtav.transports.webrtc.codecs import Codec
from rtav.transports.webrtc.guard import Guard, Report
from rtav.transports.webrtc.reassembly import Backlog, BoundedStream
from rtav.transports.webrtc.receiver import PushReceiver
from rtav.transports.webrtc.sender import PushSender

CONNECT = "_RTCPeerConnection__connect"
SENDER = "_RTCRtpTransceiver__sender"
RECEIVER = "_RTCRtpTransceiver__receiver"


def new_connection() -> RTCPeerConnection:
    """A connection that asks no STUN server: without an empty list aiortc asks a public one."""
    configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    return RTCPeerConnection(configuration)


def transport_of(connection: RTCPeerConnection) -> RTCDtlsTransport:
    """The one transport of a bundled connection, once it has its remote description."""
    transceivers = connection.getTransceivers()
    if transceivers:
        return transceivers[0].receiver.transport
    assert connection.sctp is not None
    return connection.sctp.transport


def ice_of(transport: RTCDtlsTransport) -> Connection:
    return transport.transport._connection


def do_without_srtp(transport: RTCDtlsTransport) -> None:
    """Accept a client that negotiates no SRTP, as some do whose only m-line is the data channel."""

    def no_keys() -> None: ...

    vars(transport)["_setup_srtp"] = no_keys


def guard_connection(connection: RTCPeerConnection, report: Report) -> None:
    """`report` what breaks in aiortc's own tasks; `connection` has its remote description."""
    connect = getattr(connection, CONNECT)

    async def guarded_connect() -> None:
        with Guard(report):
            await connect()

    vars(connection)[CONNECT] = guarded_connect
    _guard_transport(transport_of(connection), report)
    if connection.sctp is not None:
        _guard_channel(connection.sctp)
        _bound_messages(connection.sctp)


def buffered_bytes(sctp: RTCSctpTransport) -> int:
    """What is cut into chunks and not yet acknowledged: `bufferedAmount` no longer counts it."""
    queued = sum(len(chunk.user_data) for chunk in sctp._outbound_queue)
    return queued + sctp._flight_size


def replace_sender(transceiver: RTCRtpTransceiver, codecs: Sequence[Codec]) -> PushSender:
    """Put our sender into `transceiver`; before the answer is made."""
    old = transceiver.sender
    sender = PushSender(codecs, old.transport, old._stream_id)
    vars(transceiver)[SENDER] = sender
    return sender


def replace_receiver(transceiver: RTCRtpTransceiver, codec: Codec) -> PushReceiver:
    """Put our receiver into `transceiver`; before the answer is made."""
    receiver = PushReceiver(codec.payload_type, transceiver.receiver.transport)
    vars(transceiver)[RECEIVER] = receiver
    return receiver


def answer_only(transceiver: RTCRtpTransceiver, codecs: Sequence[Codec]) -> None:
    """Answer with `codecs` and their own retransmissions, numbered as the client does."""
    parameters = (_parameters(transceiver.kind, codec) for codec in codecs)
    transceiver._codecs = [one for both in parameters for one in both]


def _parameters(media: str, codec: Codec) -> Iterator[RTCRtpCodecParameters]:
    name, rate, *channels = codec.rtpmap.split("/")
    yield RTCRtpCodecParameters(
        mimeType=f"{media}/{name}",
        clockRate=int(rate),
        channels=int(channels[0]) if channels else None,
        payloadType=codec.payload_type,
        rtcpFeedback=[RTCRtcpFeedback(*kind.split(" ")) for kind in codec.feedback],
        parameters=parameters_from_sdp(codec.fmtp) if codec.fmtp else {},
    )
    if codec.rtx_payload_type is not None:
        yield RTCRtpCodecParameters(
            mimeType=f"{media}/rtx",
            clockRate=int(rate),
            payloadType=codec.rtx_payload_type,
            parameters={"apt": codec.payload_type},
        )


def _guard_transport(transport: RTCDtlsTransport, report: Report) -> None:
    """`report` what breaks while a packet is handled, and let the transport end."""
    receive = transport._recv_next

    async def guarded_receive() -> None:
        guard = Guard(report)
        with guard:
            await receive()
        if guard.broken:
            raise ConnectionError("the last packet could not be handled")

    vars(transport)["_recv_next"] = guarded_receive


def _guard_channel(sctp: RTCSctpTransport) -> None:
    """Lose chunks that a closed transport does not take, as a network would.

    Timers and unheld tasks of aiortc send them; an exception there reaches nobody, and that the
    transport has closed is known already.
    """
    send = sctp._send_chunk

    async def lossy_send(chunk: Chunk) -> None:
        try:
            await send(chunk)
        except ConnectionError:
            return

    vars(sctp)["_send_chunk"] = lossy_send


def _bound_messages(sctp: RTCSctpTransport) -> None:
    backlog = Backlog()

    def inbound_stream(stream_id: int) -> InboundStream:
        return sctp._inbound_streams.setdefault(stream_id, BoundedStream(backlog))

    vars(sctp)["_get_inbound_stream"] = inbound_stream
