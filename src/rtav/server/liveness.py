"""Finds out within seconds that a socket's client is no longer there."""

from __future__ import annotations

import array
import socket
import sys
from asyncio.transports import BaseTransport

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if sys.platform == "linux":
    import fcntl
    import termios

STEP_S = 0.5
# A client that has said nothing for a second is asked every second whether it is there, and is gone
# after five, as a caller by WebRTC is.
ASKED_STEPS = 2
SILENT_STEPS = 10
# So much audio may be on its way before the question that the answer takes longer than that: while
# the client takes it, it is there. (Below, 5 s are enough for a line of 100 kbit/s.)
BACKLOG_BYTES = 64 << 10

GONE = 1011


class LiveSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol with a watch of its own: its pings have one deadline, which is late for
    clients that have vanished and early for those that are busy. Here every byte is a sign of life.

    Leans on uvicorn's names for its connection, transport and ping timer.
    """

    _silent_steps = 0
    _unsent_bytes = 0

    def data_received(self, data: bytes) -> None:
        self._silent_steps = 0
        super().data_received(data)

    def start_keepalive(self) -> None:
        self.ping_timer = self.loop.call_later(STEP_S, self._watch)

    def _watch(self) -> None:
        """Counts its own steps: in a loop that has stalled, nobody was silent but itself."""
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        if self.read_paused or self._is_taking():
            self._silent_steps = 0
        if self._silent_steps >= SILENT_STEPS:
            self._give_up()
            return
        if self._silent_steps and self._silent_steps % ASKED_STEPS == 0:
            self.conn.send_ping(b"")
            self.transport.write(b"".join(self.conn.data_to_send()))
        self._silent_steps += 1
        self.start_keepalive()

    def _is_taking(self) -> bool:
        unsent = self.transport.get_write_buffer_size() + unacknowledged_bytes(self.transport)
        before, self._unsent_bytes = self._unsent_bytes, unsent
        return BACKLOG_BYTES < unsent < before

    def _give_up(self) -> None:
        """Not `close`: that would wait until the client has taken what was sent."""
        self.conn.fail(GONE, "keepalive ping timeout")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.abort()


def unacknowledged_bytes(transport: BaseTransport) -> int:
    """What the system holds that the client's system has not taken; 0 where nobody can say."""
    if sys.platform != "linux":
        return 0
    found = array.array("i", [0])
    connection: socket.socket = transport.get_extra_info("socket")
    fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, found)
    return found[0]
