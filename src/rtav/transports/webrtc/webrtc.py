"""Connects clients that speak WebRTC: one object per process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable

from aioice.ice import Connection
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from rtav.errors import AtCapacity, ConfigError, ProtocolError
from rtav.transports.webrtc import ice, internals
from rtav.transports.webrtc.background import Background
from rtav.transports.webrtc.memory import Trimmer
from rtav.transports.webrtc.mux import Link, UdpMux
from rtav.transports.webrtc.peer import Attachment, WebRtcPeer
from rtav.transports.webrtc.sdp import Offer, read_offer
from rtav.transports.webrtc.settings import IceSettings

__all__ = ["IceSettings", "WebRtc", "WebRtcPeer"]

logger = logging.getLogger(__name__)

SHUTDOWN = "server shutting down"

# What aiortc raises for a description that it does not like: most are assertions and look-ups.
_REFUSALS = (
    ValueError,
    AssertionError,
    LookupError,
    TypeError,
    AttributeError,
    StopIteration,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)


class WebRtc:
    """Owns the UDP port and whatever outlives the task that connected a client."""

    def __init__(self, settings: IceSettings) -> None:
        self._settings = settings
        self._background = Background()
        self._trimmer = Trimmer(self._background)
        self._mux: UdpMux | None = None
        self._peers: set[WebRtcPeer] = set()

    @property
    def peers(self) -> int:
        """Clients that are connected, connecting or not yet released."""
        return len(self._peers)

    @property
    def routes(self) -> int:
        """Entries in the shared port's routing tables."""
        return 0 if self._mux is None else self._mux.routes

    @property
    def udp_port(self) -> int | None:
        """The port of all calls; None if each has its own, or before `start`."""
        return None if self._mux is None else self._mux.port

    async def start(self) -> None:
        """Bind the port. Raises ConfigError if it is taken or no address can be bound."""
        if self._settings.port_range is not None:
            return
        mux = UdpMux(self._settings.udp_port or 0)
        try:
            await mux.open(ice.local_addresses(self._settings))
        except OSError as error:
            raise ConfigError("ice.udp_port", f"cannot bind it: {error}") from error
        self._mux = mux
        logger.info("WebRTC: UDP port %d at %s", mux.port, ", ".join(mux.addresses))

    async def close(self) -> None:
        """End every call and release the port."""
        async with asyncio.TaskGroup() as group:
            for peer in tuple(self._peers):
                group.create_task(peer.close(SHUTDOWN))
        self._trimmer.close()
        await self._background.close()
        if self._mux is not None:
            self._mux.close()
            self._mux = None

    async def connect(self, offer_sdp: str, *, video_codec: str | None = None) -> WebRtcPeer:
        """A peer for `offer_sdp`, whose `answer` begins the handshake.

        `video_codec` ("h264" or "vp8") is taken if it is offered, else the offer's order decides.
        The caller owns the peer and closes it; what never connects closes itself. Raises
        ProtocolError for an offer that cannot be answered, AtCapacity if no port is free.
        """
        offer = read_offer(offer_sdp, video_codec=video_codec)
        async with contextlib.AsyncExitStack() as undo:
            connection = internals.new_connection()
            undo.push_async_callback(connection.close)
            await _describe(connection, offer)
            mux, release = await self._mux_for_one_call()
            undo.callback(release)
            links = await self._links(mux, internals.ice_of(internals.transport_of(connection)))
            undo.pop_all()
        peer = WebRtcPeer(
            offer,
            connection,
            Attachment(links=links, release=lambda: self._released(peer, release)),
            settings=self._settings,
            background=self._background,
        )
        self._peers.add(peer)
        return peer

    async def _mux_for_one_call(self) -> tuple[UdpMux, Callable[[], None]]:
        """Where a new call is reached, and what to do when it has ended."""
        if self._settings.port_range is None:
            assert self._mux is not None, "start() comes first"
            return self._mux, _nothing
        first, last = self._settings.port_range
        addresses = ice.local_addresses(self._settings)
        # At random: a port that has just been freed may still get an old call's packets.
        for port in random.sample(range(first, last + 1), last - first + 1):
            mux = UdpMux(port)
            try:
                await mux.open(addresses)
            except OSError:
                continue
            return mux, mux.close
        raise AtCapacity(f"every UDP port from {first} to {last} is in use")

    async def _links(self, mux: UdpMux, connection: Connection) -> tuple[Link, ...]:
        """Let `connection` be reached through `mux`."""
        addresses = await mux.cover(ice.local_addresses(self._settings))
        if not addresses:
            raise AtCapacity("no local address is left to answer from")
        links = mux.admit(connection, addresses)
        shown = self._settings.public or addresses
        ice.take_links(connection, links, shown=shown, port=mux.port)
        return tuple(link for _, link in links)

    def _released(self, peer: WebRtcPeer, release: Callable[[], None]) -> None:
        self._peers.discard(peer)
        release()
        self._trimmer.soon()


async def _describe(connection: RTCPeerConnection, offer: Offer) -> None:
    try:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=offer.text, type="offer"))
    except _REFUSALS as error:
        raise ProtocolError(
            f"the offer cannot be used: {error}", code="invalid_sdp", param="sdp"
        ) from error


def _nothing() -> None: ...
