"""The event channel: the first data channel that the client opens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import RTCDataChannel, RTCPeerConnection

from rtav.transports.webrtc import internals


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEvents:
    """Who wants to know what happens on the channel."""

    opened: Callable[[str, str], None]
    """Label and subprotocol."""
    received: Callable[[str | bytes], None]
    closed: Callable[[], None]
    broke: Callable[[Exception], None]


class EventChannel:
    """Whatever its label; any further channel stays unheard."""

    def __init__(self, connection: RTCPeerConnection, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes
        self._channel: RTCDataChannel | None = None
        self._events: ChannelEvents | None = None
        self._closed = asyncio.Event()
        connection.on("datachannel", self._announced)

    @property
    def is_open(self) -> bool:
        return self._channel is not None and self._channel.readyState == "open"

    @property
    def buffered_bytes(self) -> int:
        if self._channel is None:
            return 0
        in_chunks = internals.buffered_bytes(self._channel.transport)
        return int(self._channel.bufferedAmount) + in_chunks

    def listen(self, events: ChannelEvents | None) -> None:
        self._events = events

    def send(self, message: str) -> None:
        """Raises ValueError if `message` is too long; says nothing if the channel is not open."""
        # A character takes at most four bytes: short ones need no second encoding.
        if 4 * len(message) > self.max_message_bytes:
            size_bytes = len(message.encode())
            if size_bytes > self.max_message_bytes:
                limit = self.max_message_bytes
                raise ValueError(f"{size_bytes} bytes are more than the {limit} the client takes")
        if self._channel is not None and self.is_open:
            self._channel.send(message)

    async def close(self) -> None:
        """Send what waits, then let the client see the channel close."""
        if self._channel is None or not self.is_open:
            return
        self._channel.close()
        await self._closed.wait()

    def _announced(self, channel: RTCDataChannel) -> None:
        if self._channel is not None or self._events is None:
            return
        self._channel = channel
        channel.on("message", self._received)
        channel.on("close", self._gone)
        channel.on("error", self._broke)
        self._events.opened(channel.label, channel.protocol)

    def _received(self, message: str | bytes) -> None:
        if self._events is not None:
            self._events.received(message)

    def _gone(self) -> None:
        self._closed.set()
        if self._events is not None:
            self._events.closed()

    def _broke(self, error: Exception) -> None:
        if self._events is not None:
            self._events.broke(error)
