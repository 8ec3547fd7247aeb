"""Fails when aiortc or aioice no longer have what `internals.py` lists: read its docstring."""

import asyncio
import inspect
from importlib.metadata import version

from aioice import ice, stun
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpTransport

from rtav.transports.webrtc import internals
from rtav.transports.webrtc.codecs import Codec


def _connection():
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio")
    connection.createDataChannel("x")
    return connection


def _names(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_versions_are_the_ones_that_were_read():
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")


def test_what_is_replaced_or_read_on_instances_is_there():
    async def scenario():
        connection = _connection()
        (transceiver,) = connection.getTransceivers()
        transport = transceiver.receiver.transport
        assert inspect.iscoroutinefunction(getattr(connection, internals.CONNECT))
        assert vars(transceiver)[internals.SENDER] is transceiver.sender
        assert vars(transceiver)[internals.RECEIVER] is transceiver.receiver
        assert vars(transceiver)["_codecs"] == []
        assert {"_tx_srtp", "_rtp_router"} <= vars(transport).keys()
        assert {"_connection"} <= vars(transport.transport).keys()
        assert {"_protocols", "_nominated"} <= vars(transport.transport._connection).keys()
        assert {"_outbound_queue", "_flight_size"} <= vars(connection.sctp).keys()
        assert vars(connection.sctp)["_inbound_streams"] == {}
        await connection.close()

    asyncio.run(scenario())


def test_the_methods_that_are_wrapped_or_called_have_their_arguments():
    assert _names(RTCDtlsTransport._recv_next) == ["self"]
    assert _names(RTCDtlsTransport._setup_srtp) == ["self"]
    assert _names(RTCDtlsTransport._register_rtp_sender) == ["self", "sender", "parameters"]
    assert _names(RTCDtlsTransport._unregister_rtp_sender) == ["self", "sender"]
    assert _names(RTCDtlsTransport._register_rtp_receiver) == ["self", "receiver", "parameters"]
    assert _names(RTCDtlsTransport._unregister_rtp_receiver) == ["self", "receiver"]
    assert _names(RTCSctpTransport._send_chunk) == ["self", "chunk"]
    assert _names(RTCSctpTransport._get_inbound_stream) == ["self", "stream_id"]
    assert _names(ice.Connection.build_request) == ["self", "pair", "nominate"]
    gather = _names(ice.Connection.get_component_candidates)
    assert gather == ["self", "component", "addresses", "timeout"]
    assert _names(ice.StunProtocol.send_stun) == ["self", "message", "addr"]
    assert _names(ice.StunProtocol.datagram_received) == ["self", "data", "addr"]
    assert _names(stun.Message.check_message_integrity) == ["self", "key"]


def test_the_wrapped_methods_are_looked_up_where_they_are_called():
    """An attribute of the instance takes effect only if the library calls it through `self`."""
    assert "self.__connect()" in inspect.getsource(RTCPeerConnection.setLocalDescription)
    assert "self._recv_next()" in inspect.getsource(RTCDtlsTransport)
    assert "self._setup_srtp()" in inspect.getsource(RTCDtlsTransport.start)
    assert "self._send_chunk(" in inspect.getsource(RTCSctpTransport._transmit)
    receive = inspect.getsource(RTCSctpTransport._receive_data_chunk)
    assert "self._get_inbound_stream(" in receive
    assert receive.index(".add_chunk(") < receive.index(".pop_messages(")
    gather = inspect.getsource(ice.Connection.gather_candidates)
    assert "self.get_component_candidates(component=component, addresses=addresses)" in gather


def test_our_sender_and_receiver_have_all_that_aiortc_uses():
    async def scenario():
        connection = _connection()
        (transceiver,) = connection.getTransceivers()
        stock_sender, stock_receiver = transceiver.sender, transceiver.receiver
        codec = Codec(name="opus", payload_type=111)
        ours = (
            (internals.replace_sender(transceiver, [codec]), stock_sender),
            (internals.replace_receiver(transceiver, codec), stock_receiver),
        )
        for replacement, stock in ours:
            for name in ("stop", "setTransport", "getStats", "_handle_rtcp_packet"):
                assert _names(getattr(replacement, name)) == _names(getattr(stock, name))
            assert (replacement.transport, replacement._enabled) == (stock.transport, True)
        assert transceiver.sender._stream_id == stock_sender._stream_id
        assert {"_ssrc", "_rtx_ssrc", "_track_id"} <= vars(transceiver.sender).keys()
        assert _names(transceiver.sender.send) == _names(stock_sender.send)
        assert _names(transceiver.receiver.receive) == _names(stock_receiver.receive)
        await connection.close()
        await stock_sender.stop()
        await stock_receiver.stop()

    asyncio.run(scenario())


def test_ice_is_reached_through_its_transport():
    async def scenario():
        connection = _connection()
        transport = internals.transport_of(connection)
        assert isinstance(transport, RTCDtlsTransport)
        assert isinstance(transport.transport, RTCIceTransport)
        assert isinstance(internals.ice_of(transport), ice.Connection)
        await connection.close()

    asyncio.run(scenario())
