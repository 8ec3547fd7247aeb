"""Further connections to a running call: they hear what its client hears, and may say the same."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from rtav.core import inputs as told
from rtav.core.dialect import Signs
from rtav.core.inputs import ClientSaid, Input
from rtav.core.session import Session
from rtav.errors import PeerGone, ProtocolError, RateLimited
from rtav.protocol.client import ClientEvent, SessionUpdate
from rtav.protocol.server import ServerEvent
from rtav.runtime.events import MAX_BUFFERED_BYTES, Events
from rtav.runtime.peer import Peer
from rtav.runtime.tasks import Start

logger = logging.getLogger(__name__)

MAX_SIDEBANDS = 8
"""Of one call. Each is sent everything that the call tells."""

MAX_EARLY = 100
"""Events of a sideband that wait for the call's own client."""

LAGGING_BYTES = MAX_BUFFERED_BYTES // 4
"""While more than this waits to be sent to the client, sidebands may not cause more."""

FRAME_BYTES = 16 * 1024
"""A sideband for which more than this waits is sent no picture: no event waits behind many."""

RETRY_S = 5

ENDED = "call ended"
STALLED = "stalled"
_SHARED_REASONS = frozenset({"shutdown", "expired", "failed"})
"""Ends of a call that are a sideband's, too; by others its own connection is only closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the call does for those who join it."""

    tell: Callable[[Input], None]
    take: Callable[[ClientSaid], None]
    """Hands an event to the session behind all that came before it."""
    start: Start
    guard: Callable[[Callable[[], None]], None]
    """Carries out what a callback is for; a bug in it ends the call."""


class Sidebands:
    """Those of one call. The methods belong to the event loop; all but `close` return at once."""

    def __init__(self, client: Peer, session: Session, host: Host) -> None:
        self._client, self._session, self._host = client, session, host
        self._all: dict[int, _Sideband] = {}
        self._numbers = itertools.count(1)
        self._client_is_there = False
        self._is_over = False

    def admit(self) -> None:
        """Raises PeerGone if the call is over, RateLimited if there are too many."""
        if self._is_over:
            raise PeerGone("the call is over")
        if len(self._all) >= MAX_SIDEBANDS:
            raise RateLimited(
                f"This call has {MAX_SIDEBANDS} further connections already, and takes no more",
                retry_after_s=RETRY_S,
            )

    def add(self, peer: Peer, signs: Signs) -> None:
        """Let a connected peer take part. Raises as `admit` does: it is still the caller's then."""
        self.admit()
        number = next(self._numbers)
        self._all[number] = sideband = _Sideband(self, number, peer, signs)
        peer.listen(sideband)

    def client_opened(self) -> None:
        """The call's own client is there: what waited for it is handled."""
        self._client_is_there = True
        for sideband in self._all.values():
            early, sideband.early = sideband.early, []
            for event in early:
                self._host.take(ClientSaid(event, sideband.number))

    def send(self, event: ServerEvent, to: int | None) -> None:
        """Send an event to one of them, or to all that take it."""
        for sideband in tuple(self._all.values()):
            if to in (None, sideband.number) and sideband.is_open:
                self._send(sideband, event)

    async def close(self, reason: str, words: str = "") -> None:
        """The call has ended: say goodbye to all at once."""
        self._is_over = True
        reason = reason if reason in _SHARED_REASONS else ENDED
        async with asyncio.TaskGroup() as group:
            for sideband in tuple(self._all.values()):
                group.create_task(sideband.peer.close(reason, words))

    # --- what happens to them ----------------------------------------------------------------

    def opened(self, sideband: _Sideband, subprotocol: str) -> None:
        sideband.is_open = True
        logger.info("a sideband has joined")
        signs = replace(sideband.signs, subprotocol=subprotocol)
        self._host.tell(told.SidebandOpened(connection=sideband.number, signs=signs))

    def received(self, sideband: _Sideband, message: str | bytes) -> None:
        try:
            event = sideband.events.read(message)
            if self._client.buffered_bytes > LAGGING_BYTES:
                raise _too_fast("The call's own client does not keep up.", event)
            self._take(sideband, event)
        except ProtocolError as error:
            self._host.tell(told.ClientErred(error, sideband.number))

    def refused(self, sideband: _Sideband, error: ProtocolError) -> None:
        self._host.tell(told.ClientErred(error, sideband.number))

    def stalled(self, sideband: _Sideband) -> None:
        sideband.is_open = False
        self._host.start(sideband.peer.close(STALLED), f"sideband {sideband.number} stalled")

    def gone(self, sideband: _Sideband, reason: str) -> None:
        del self._all[sideband.number]
        logger.info("a sideband has gone: %s", reason)
        self._host.tell(told.SidebandLeft(sideband.number))

    # --- pieces ------------------------------------------------------------------------------

    def guard(self, action: Callable[[], None]) -> None:
        self._host.guard(action)

    def _take(self, sideband: _Sideband, event: ClientEvent) -> None:
        """Before the client is there the session can be configured; all else waits for it."""
        is_early = not self._client_is_there
        if not is_early or (isinstance(event, SessionUpdate) and not sideband.early):
            self._host.take(ClientSaid(event, sideband.number))
        elif len(sideband.early) < MAX_EARLY:
            sideband.early.append(event)
        else:
            raise _too_fast("Too many events wait for the call's own client.", event)

    def _send(self, sideband: _Sideband, event: ServerEvent) -> None:
        connection = self._session.connection(sideband.number)
        is_picture = event.type == "response.output_image.delta"
        is_behind = is_picture and sideband.peer.buffered_bytes > FRAME_BYTES
        if connection.takes(event.type) and not is_behind:
            sideband.events.send(event, connection.spelling)


class _Sideband:
    """The listener of its peer, which has no media."""

    def __init__(self, among: Sidebands, number: int, peer: Peer, signs: Signs) -> None:
        self._among = among
        self.number, self.peer, self.signs = number, peer, signs
        self.early: list[ClientEvent] = []
        self.is_open = False
        self.events = Events(
            peer,
            stalled=lambda: among.stalled(self),
            refused=lambda error: among.refused(self, error),
        )

    def opened(self, *, label: str, subprotocol: str) -> None:
        self._among.guard(lambda: self._among.opened(self, subprotocol))

    def received(self, message: str | bytes) -> None:
        self._among.guard(lambda: self._among.received(self, message))

    def gone(self, reason: str) -> None:
        self._among.guard(lambda: self._among.gone(self, reason))

    def media_ready(self) -> None: ...

    def heard(self, sequence: int, rtp_time: int, payload: bytes) -> None: ...

    def keyframe_wanted(self) -> None: ...

    def bitrate_changed(self, bitrate: int) -> None: ...


def _too_fast(message: str, event: ClientEvent) -> ProtocolError:
    return ProtocolError(message, code="rate_limit_exceeded", event_id=event.event_id)
