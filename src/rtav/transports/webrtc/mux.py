"""One UDP port for many calls.

A datagram belongs to the call that its remote address is known for, else to the one whose ICE
user name a STUN request names. The address is remembered only after the request's integrity
check, so nobody can take over a call's traffic by sending from an address.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Iterable
from typing import Any, cast

from aioice import ice, stun

from rtav.transports.webrtc.guard import Guard, Report

logger = logging.getLogger(__name__)

Address = tuple[str, int]

BUFFER_BYTES = 4 << 20  # one socket carries every call: the default of 200 kB is one call's burst
_BINDING_REQUEST = b"\x00\x01"
_STUN_COOKIE = b"\x21\x12\xa4\x42"
_STUN_HEADER_BYTES = 20
_PORT_TRIES = 20  # a port that is free on one address may be taken on the next


class Link(ice.StunProtocol):
    """One call at one local address: what aioice takes for a socket's protocol."""

    def __init__(self, connection: ice.Connection, door: Door) -> None:
        super().__init__(connection)
        self._loop = asyncio.get_running_loop()
        self.heard_at = 0.0
        """Loop time of the last datagram."""
        self.on_broken: Report = _log
        self.connection_made(_View(door, self))

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        self.heard_at = self._loop.time()
        with Guard(self.on_broken):
            try:
                super().datagram_received(data, addr)
            except struct.error:  # a STUN attribute cut short: anybody can send one
                return


class _View(asyncio.DatagramTransport):
    """What aioice takes for the link's own socket."""

    def __init__(self, door: Door, link: Link) -> None:
        super().__init__()
        self._door = door
        self._link = link
        self._closed = False

    def sendto(self, data: Any, addr: Any = None) -> None:
        if not self._closed:
            self._door.send(data, (addr[0], addr[1]), self._link)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._door.transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._door.forget(self._link)
            asyncio.get_running_loop().call_soon(self._link.connection_lost, None)


class Door(asyncio.DatagramProtocol):
    """One local address and port.

    Bound to an address rather than to all of them: an answer from a wildcard socket leaves a host
    of several addresses from the wrong one.
    """

    def __init__(self) -> None:
        self.transport: asyncio.DatagramTransport
        self._by_address: dict[Address, Link] = {}
        self._by_user: dict[str, Link] = {}
        self._addresses: dict[Link, set[Address]] = {}

    @property
    def routes(self) -> int:
        return len(self._by_address) + len(self._by_user)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        address = (addr[0], addr[1])  # IPv6 says four things
        link = self._by_address.get(address)
        # A binding request may announce a new call from a known address: ports are used again.
        if link is None or data[:2] == _BINDING_REQUEST:
            link = self._introduced(data, address) or link
        if link is not None:
            link.datagram_received(data, address)

    def error_received(self, exc: Exception) -> None:
        """ICMP errors name no peer here; silence is what finds the dead."""

    def admit(self, connection: ice.Connection) -> Link:
        """Make room for one more call."""
        link = Link(connection, self)
        self._by_user[connection.local_username] = link
        self._addresses[link] = set()
        return link

    def forget(self, link: Link) -> None:
        for address in self._addresses.pop(link, ()):
            if self._by_address.get(address) is link:
                del self._by_address[address]
        self._by_user.pop(link.receiver.local_username, None)

    def send(self, data: bytes, address: Address, link: Link) -> None:
        # The answer to our own check comes from there. A proven owner is never displaced.
        if address not in self._by_address:
            self._claim(address, link)
        self.transport.sendto(data, address)

    def _introduced(self, data: bytes, address: Address) -> Link | None:
        if (
            len(data) < _STUN_HEADER_BYTES
            or data[:2] + data[4:8] != _BINDING_REQUEST + _STUN_COOKIE
        ):
            return None
        try:
            message = stun.parse_message(data)
        except (ValueError, struct.error):
            return None
        user = str(message.attributes.get("USERNAME", "")).partition(":")[0]
        link = self._by_user.get(user)
        if link is None or "MESSAGE-INTEGRITY" not in message.attributes:
            return None
        if not message.check_message_integrity(link.receiver.local_password.encode()):
            return None
        self._claim(address, link)
        return link

    def _claim(self, address: Address, link: Link) -> None:
        owner = self._by_address.get(address)
        if owner is link or link not in self._addresses:
            return
        if owner is not None:
            self._addresses[owner].discard(address)
        self._by_address[address] = link
        self._addresses[link].add(address)


class UdpMux:
    """The doors of one port, one for each local address."""

    def __init__(self, port: int) -> None:
        self._wanted_port = port
        self._doors: dict[str, Door] = {}
        self._refused: set[str] = set()

    @property
    def port(self) -> int:
        """The port that is bound; the one asked for as long as none is."""
        for door in self._doors.values():
            return int(door.transport.get_extra_info("sockname")[1])
        return self._wanted_port

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it is bound."""
        return tuple(self._doors)

    @property
    def routes(self) -> int:
        """Entries of the routing tables: none are left once every call has ended."""
        return sum(door.routes for door in self._doors.values())

    async def open(self, addresses: Iterable[str]) -> None:
        """Bind every address that exists on this host.

        Raises OSError if none can be bound, or if the port is taken at one of them.
        """
        addresses = tuple(addresses)
        for tries_left in reversed(range(1 if self._wanted_port else _PORT_TRIES)):
            try:
                await self.cover(addresses, strict=True)
                break
            except OSError:
                self.close()
                if not tries_left:
                    raise
        if not self._doors:
            raise OSError(errno.EADDRNOTAVAIL, f"none of {', '.join(addresses)} can be bound")

    async def cover(self, addresses: Iterable[str], *, strict: bool = False) -> list[str]:
        """Bind those of `addresses` that are new, and say which are bound now.

        A host changes its network while the server runs. A taken port raises OSError if `strict`;
        else that address is left out with a warning.
        """
        covered: list[str] = []
        for address in addresses:
            if address not in self._doors and not await self._bind(address, strict=strict):
                continue
            covered.append(address)
        return covered

    def admit(self, connection: ice.Connection, addresses: Iterable[str]) -> list[tuple[str, Link]]:
        """A link at each of `addresses`, which are bound."""
        return [(address, self._doors[address].admit(connection)) for address in addresses]

    def close(self) -> None:
        for door in self._doors.values():
            door.transport.close()
        self._doors.clear()

    async def _bind(self, address: str, *, strict: bool) -> bool:
        loop = asyncio.get_running_loop()
        try:
            transport, door = await loop.create_datagram_endpoint(
                Door, local_addr=(address, self.port)
            )
        except OSError as error:
            if strict and error.errno == errno.EADDRINUSE:
                raise
            if address not in self._refused:  # it is tried again with each call
                logger.warning("cannot listen on UDP %s port %d: %s", address, self.port, error)
            self._refused.add(address)
            return False
        if address in self._doors:  # another call has bound it meanwhile
            transport.close()
            return True
        self._doors[address] = door
        sock: socket.socket = transport.get_extra_info("socket")
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        return True


def _log(error: Exception) -> None:
    logger.warning("a datagram could not be handled: %r", error, exc_info=error)
