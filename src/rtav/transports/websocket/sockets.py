"""All clients on WebSockets: one object per process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from starlette.websockets import WebSocket

from rtav.errors import AtCapacity
from rtav.transports.websocket.peer import WebSocketPeer

MAX_WAITING = 64
"""Clients that may be connected without having said who they are."""

SHUTDOWN = "server shutting down"


class WebSockets:
    """Knows every client that is connected, to say goodbye."""

    def __init__(self) -> None:
        self._peers: set[WebSocketPeer] = set()
        self._waiting = 0
        self._is_open = True

    @property
    def peers(self) -> int:
        """Clients that are connected."""
        return len(self._peers)

    def admit(self) -> None:
        """Raises AtCapacity while the server is on its way down."""
        if not self._is_open:
            raise AtCapacity("The server is stopping.")

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Hold a place for a client that has not said yet who it is. Raises AtCapacity."""
        if self._waiting >= MAX_WAITING:
            raise AtCapacity("Too many connections wait to be authenticated.")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def connect(self, socket: WebSocket, *, subprotocol: str) -> WebSocketPeer:
        """A peer for an accepted socket. The caller owns it: it runs it, or closes it."""
        peer = WebSocketPeer(socket, subprotocol=subprotocol, released=self._peers.discard)
        self._peers.add(peer)
        return peer

    async def close(self) -> None:
        """Tell every client that the server goes away, and let no other in."""
        self._is_open = False
        async with asyncio.TaskGroup() as group:
            for peer in tuple(self._peers):
                group.create_task(peer.close(SHUTDOWN))
