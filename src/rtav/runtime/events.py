"""A call's event channel: messages that become events, and events that become messages."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rtav import metrics
from rtav.errors import ProtocolError
from rtav.protocol.client import MAX_EVENT_BYTES, ClientEvent, parse
from rtav.protocol.server import ServerEvent, Spelling, spell
from rtav.runtime.peer import Peer

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = {"webrtc": 256 * 1024, "websocket": MAX_EVENT_BYTES}
"""Reading an event holds the event loop, 20 ms for an image of 21 MiB: only sockets may send so
much. A data channel carries what we announce."""

MAX_BUFFERED_BYTES = 4 * 1024 * 1024
"""A peer that lets so many bytes of events pile up has stopped reading."""

COPIES = 3
"""A large item that a client brings goes back to it in two events at once, and may be followed:
so many of the largest event may wait."""


class Events:
    """What a call and its client tell each other."""

    def __init__(
        self,
        peer: Peer,
        *,
        stalled: Callable[[], None],
        refused: Callable[[ProtocolError], None],
    ) -> None:
        """`stalled` is called when the peer does not read its events any more, `refused` with the
        error that the client is due for an event that its connection cannot take."""
        self._peer = peer
        self._stalled, self._refused = stalled, refused
        self._largest = 0

    def read(self, message: str | bytes) -> ClientEvent:
        """Raises ProtocolError for anything else than one event of a size that this peer may
        send."""
        limit = MAX_MESSAGE_BYTES[self._peer.media.transport]
        if len(message) > limit:
            raise ProtocolError(
                f"The event is larger than the {limit} bytes that this connection takes.",
                code="event_too_large",
            )
        return parse(message)

    def send(self, event: ServerEvent, spelling: Spelling) -> None:
        if event.type == "error":
            code = event.fields["error"]["code"] or "none"
            metrics.event_errors_total.labels(code=code).inc()
        message = spell(event, spelling)
        if message is None:
            return
        self._largest = max(self._largest, len(message))
        if self._peer.buffered_bytes > max(MAX_BUFFERED_BYTES, COPIES * self._largest):
            logger.warning("the peer does not read its events")
            self._stalled()
            return
        try:
            self._peer.send(message)
        except ValueError:
            self._refuse(event.type, len(message.encode()))

    def _refuse(self, kind: str, size_bytes: int) -> None:
        limit = self._peer.media.max_message_bytes
        logger.warning("%s of %d bytes is not sent: %d is the limit", kind, size_bytes, limit)
        if kind != "error":  # a client with a limit that small cannot even be told
            message = (
                f"An event of {size_bytes} bytes cannot be sent, {limit} is the limit: {kind}."
            )
            self._refused(ProtocolError(message, code="event_too_large", type="server_error"))
