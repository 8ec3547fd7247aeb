"""One client on a WebSocket: its events both ways, and how the connection ends."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from rtav.media.track import Track
from rtav.runtime.peer import PeerListener, PeerMedia, PeerStats

logger = logging.getLogger(__name__)

LEFT = "left"
STALLED = "stalled"

MAX_MESSAGE_BYTES = 24 << 20
"""Of events to the client: more than any we send. Clients that take less say so to nobody."""

SEND_S = 20.0
"""A client that takes nothing for so long is gone. (Pings find it earlier unless data wait.)"""

FAREWELL_S = 1.5
"""For the last events and the client's own close."""

NORMAL, GOING_AWAY, FAILED, NO_READER = 1000, 1001, 1011, 1008
_CODES = {
    "shutdown": GOING_AWAY,
    "server shutting down": GOING_AWAY,
    "expired": GOING_AWAY,
    "failed": FAILED,
    STALLED: NO_READER,
}
_REASONS = {
    "call ended": "The call has ended.",
    "replaced": "Another call goes on with the session.",
    "failed": "The server failed.",
    STALLED: "Events were not read.",
}


class WebSocketPeer:
    """Belongs to the event loop. `run` carries the messages, in the task of the request."""

    def __init__(
        self, socket: WebSocket, *, subprotocol: str, released: Callable[[WebSocketPeer], None]
    ) -> None:
        """`socket` is accepted already. `subprotocol` is what the client's offer shows of it."""
        self._socket, self._subprotocol, self._released = socket, subprotocol, released
        self._listener: PeerListener | None = None
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._reason = self._words = ""
        self._is_running = False
        self._is_over = asyncio.Event()
        self._received = self._sent = 0

    # --- what a call sees --------------------------------------------------------------------

    @property
    def media(self) -> PeerMedia:
        return PeerMedia(
            transport="websocket",
            hears=False,
            speaks=False,
            video=None,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )

    @property
    def audio(self) -> Track | None:
        return None

    @property
    def video(self) -> Track | None:
        return None

    @property
    def buffered_bytes(self) -> int:
        return self._waiting_bytes

    def stats(self) -> PeerStats:
        return PeerStats(packets_sent=self._sent, packets_received=self._received)

    def listen(self, listener: PeerListener) -> None:
        self._listener = listener

    def send(self, message: str) -> None:
        if self._reason:
            return
        if len(message) > MAX_MESSAGE_BYTES:
            raise ValueError(f"{len(message)} bytes are more than {MAX_MESSAGE_BYTES}")
        self._waiting.append(message)
        self._waiting_bytes += len(message)
        self._changed.set()

    async def close(self, reason: str, words: str = "") -> None:
        if not self._reason:
            self._words = words
        self._end(reason)
        if not self._is_running:
            self._finish()
        await self._is_over.wait()

    # --- the request's task ------------------------------------------------------------------

    async def run(self) -> None:
        """Carry messages until one side ends it. Once, after `listen`."""
        if self._reason:
            await self._write()
            return
        assert self._listener is not None, "somebody listens"
        self._is_running = True
        try:
            self._listener.opened(label="", subprotocol=self._subprotocol)
            async with asyncio.TaskGroup() as tasks:
                reader = tasks.create_task(self._read(), name="socket reader")
                writer = tasks.create_task(self._write(), name="socket writer")
                await self._ended.wait()
                await asyncio.wait((writer,), timeout=FAREWELL_S)
                writer.cancel()
                reader.cancel()
        finally:
            self._end("server shutting down")
            self._finish()

    async def _read(self) -> None:
        assert self._listener is not None, "somebody listens"
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self._end(LEFT)
                return
            self._received += 1
            if not self._reason:
                self._listener.received(message.get("text") or message.get("bytes") or "")

    async def _write(self) -> None:
        """Send what waits, and at last the close."""
        try:
            while await self._has_more():
                message = self._waiting[0]
                async with asyncio.timeout(SEND_S):
                    await self._socket.send_text(message)
                self._waiting.popleft()
                self._waiting_bytes -= len(message)
                self._sent += 1
            if self._reason != LEFT:
                code = _CODES.get(self._reason, NORMAL)
                await self._socket.close(code, self._words or _REASONS.get(self._reason, ""))
        except (WebSocketDisconnect, RuntimeError):  # it closed meanwhile, and cannot be written to
            self._end(LEFT)
        except TimeoutError:
            logger.warning("the client takes nothing any more")
            self._end(STALLED)

    async def _has_more(self) -> bool:
        while not self._waiting and not self._reason:
            self._changed.clear()
            await self._changed.wait()
        return bool(self._waiting) and self._reason not in (LEFT, STALLED)

    # --- its end -----------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        """The first reason counts."""
        self._reason = self._reason or reason
        self._ended.set()
        self._changed.set()

    def _finish(self) -> None:
        if self._is_over.is_set():
            return
        self._is_over.set()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._released(self)
        if self._listener is not None:
            self._listener.gone(self._reason)
