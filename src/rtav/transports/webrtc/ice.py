"""Which addresses a call is offered at, and the question that keeps it alive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import aioice.ice
from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority

from rtav.transports.webrtc.mux import Link
from rtav.transports.webrtc.settings import IceSettings

LOOPBACK = "127.0.0.1"
_WILDCARDS = frozenset({"0.0.0.0", "::"})
_COMPONENT = 1  # RTCP shares the port of RTP
_HIGHEST_PREFERENCE = 65_535


def local_addresses(settings: IceSettings) -> list[str]:
    """The addresses to listen on, best first.

    Loopback comes last and always: with nothing else up it is the only way in, and beside others
    it costs a client on another machine one check to itself.
    """
    named = [address for address in settings.bind if address not in _WILDCARDS]
    if named:
        return named
    found = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)
    return [*dict.fromkeys(a for a in found if a != LOOPBACK), LOOPBACK]


def candidates(hosts: Iterable[str], port: int) -> list[Candidate]:
    """Host candidates, best first."""
    return [
        Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=_COMPONENT,
            transport="udp",
            priority=candidate_priority(_COMPONENT, "host", _HIGHEST_PREFERENCE - rank),
            host=host,
            port=port,
            type="host",
        )
        for rank, host in enumerate(hosts)
    ]


def take_links(
    connection: aioice.ice.Connection,
    links: Sequence[tuple[str, Link]],
    *,
    shown: Sequence[str],
    port: int,
) -> None:
    """Let `connection` use `links`, each with its local address, in place of sockets of its own.

    The answer shows the addresses `shown`; checks are paired by the true local ones.
    """
    for (_, link), candidate in zip(
        links, candidates([address for address, _ in links], port), strict=True
    ):
        link.local_candidate = candidate

    async def gather(component: int, addresses: list[str]) -> list[Candidate]:
        connection._protocols += [link for _, link in links]
        return candidates(shown, port)

    vars(connection)["get_component_candidates"] = gather


def ask(connection: aioice.ice.Connection) -> None:
    """Send one STUN request to the peer (RFC 7675); its answer arrives as a packet like any."""
    pair = connection._nominated.get(_COMPONENT)
    if pair is None or connection.remote_password is None:
        return
    request = connection.build_request(pair, nominate=False)
    request.add_message_integrity(connection.remote_password.encode())
    pair.protocol.send_stun(request, pair.remote_addr)
