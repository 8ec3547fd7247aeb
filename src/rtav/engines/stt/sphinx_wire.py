"""Messages between the recogniser's processes: length, kind, payload."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from enum import IntEnum
from typing import NamedTuple

_HEADER = struct.Struct("=IB")  # both ends are on one machine: native byte order

LOADED = b"L"
"""On the control socket, once: the model is loaded."""

FORK = b"F"
"""On the control socket, with one end of a socket: fork a recogniser that serves it."""


class Kind(IntEnum):
    """What a message says. The first four go to the recogniser, the others come from it."""

    BEGIN = 1  # the caller's cepstral mean, ASCII; empty for a caller never heard before
    AUDIO = 2  # int16 at MIC_RATE_HZ
    PAUSE = 3  # give a FINAL of everything so far; more may come
    END = 4  # give a FINAL; nothing more will come
    READY = 5  # the recogniser's process id, decimal
    PARTIAL = 6  # what is understood so far, UTF-8; one for every step, also when unchanged
    FINAL = 7  # the cepstral mean, a line feed, the text


class Message(NamedTuple):
    kind: Kind
    payload: bytes


def pack(kind: Kind, payload: bytes = b"") -> bytes:
    """One message as bytes."""
    return _HEADER.pack(len(payload), kind) + payload


def unpack(buffer: bytearray) -> Message | None:
    """Take the first message off `buffer`; None if it is not complete yet."""
    if len(buffer) < _HEADER.size:
        return None
    size_bytes, kind = _HEADER.unpack_from(buffer)
    end = _HEADER.size + size_bytes
    if len(buffer) < end:
        return None
    message = Message(Kind(kind), bytes(buffer[_HEADER.size : end]))
    del buffer[:end]
    return message


class Line(asyncio.Protocol):
    """The event loop's end: sending never waits, receiving may."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._messages: deque[Message] = deque()
        self._arrived: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (message := unpack(self._buffer)) is not None:
            self._messages.append(message)
        self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        self.is_open = False
        self._wake()

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Nothing happens when the other end is gone: `receive` will say so."""
        assert self._transport is not None
        if self.is_open:
            self._transport.write(pack(kind, payload))

    @property
    def unsent_bytes(self) -> int:
        assert self._transport is not None
        return self._transport.get_write_buffer_size()

    def take(self) -> Message | None:
        """The next message that is here already."""
        return self._messages.popleft() if self._messages else None

    async def receive(self) -> Message:
        """The next message. Raises EOFError when the other end is gone and all is read."""
        while not self._messages:
            if not self.is_open:
                raise EOFError
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        return self._messages.popleft()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


class BlockingLine:
    """The recogniser's end: it has nothing else to do."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        self._sock.sendall(pack(kind, payload))

    def receive(self) -> Message | None:
        """The next message; None when the other end is gone."""
        while (message := unpack(self._buffer)) is None:
            data = self._sock.recv(65536)
            if not data:
                return None
            self._buffer += data
        return message
