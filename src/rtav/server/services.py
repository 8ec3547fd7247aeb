"""What the routes need: made once by the composition, the same for every request."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rtav.core.catalog import Own
from rtav.core.dialect import Signs
from rtav.core.past import Past
from rtav.runtime.peer import Peer
from rtav.runtime.supervisor import Opening
from rtav.server.access import Access
from rtav.server.admission import Admission
from rtav.server.allowance import Allowance
from rtav.server.ice_servers import IceServers
from rtav.server.listing import Listing
from rtav.server.sessions import Sessions
from rtav.server.storage.records import AssetKind
from rtav.server.uploads.library import Library
from rtav.transports.websocket.sockets import WebSockets


class Joinable(Protocol):
    """Who takes part in a call beside its client."""

    def admit(self) -> None:
        """Raises PeerGone if the call is over, RateLimited if there are too many."""

    def add(self, peer: Peer, signs: Signs) -> None:
        """Raises as `admit` does: the peer is still the caller's then."""


class RunningCall(Protocol):
    """As much of a call as the routes touch."""

    def hang_up(self, reason: str) -> None: ...

    def shown(self) -> Mapping[str, Any]:  # Any: the wire's JSON
        """Its session object as it is now, also when it has ended."""

    @property
    def sidebands(self) -> Joinable: ...


class Calls(Protocol):
    """As much of the supervisor as the routes touch."""

    @property
    def calls(self) -> int: ...

    def admit(self) -> None:
        """Raises AtCapacity."""

    def check(self, opening: Opening) -> None:
        """Raises ProtocolError for a configuration that no call can have."""

    def open(self, peer: Peer, opening: Opening) -> RunningCall: ...

    def find(self, call_id: str) -> RunningCall | None: ...

    def past(self, call_id: str) -> Past | None:
        """What a call could go on with that took the place of this one."""

    def replace(self, call_id: str) -> Past | None:
        """End this call for one that goes on with its session."""

    def describe(
        self, session: Mapping[str, Any], own: Own | None = None
    ) -> dict[str, Any]:  # Any: the wire's JSON
        """The session object that a call with this configuration starts with.

        `own` is what its caller may name beside the standard assets.
        """

    def shown(self, opening: Opening) -> dict[str, Any]:  # Any: the wire's JSON
        """The session object that a call like this starts with; raises as `check` does."""


class WebRtcPeer(Peer, Protocol):
    async def answer(self) -> str:
        """The SDP answer, complete: there is no way to send candidates later."""


class Connector(Protocol):
    async def connect(self, offer_sdp: str, *, video_codec: str | None = None) -> WebRtcPeer:
        """Raises ProtocolError `invalid_sdp`, AtCapacity if there is no port left."""


def new_id(prefix: str) -> str:
    """An identifier nobody can guess: `prefix` and 128 random bits in hex."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    access: Access
    admission: Admission
    allowance: Allowance
    sessions: Sessions
    supervisor: Calls
    webrtc: Connector
    sockets: WebSockets
    listing: Listing
    library: Library
    max_bytes: Mapping[AssetKind, int]
    """Of an upload."""
    unix: Callable[[], float]
    ice_servers: IceServers = IceServers()
    new_id: Callable[[str], str] = new_id
    cors_origins: tuple[str, ...] = ("*",)
