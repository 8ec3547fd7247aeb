"""How a call begins, whatever its transport: what its caller shows, whether there is a place."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import HTTPConnection

from rtav.core.dialect import RTAV_QUERY, Dialect, Signs
from rtav.core.past import Past
from rtav.errors import PeerGone, ProtocolError
from rtav.protocol.refusal import supported
from rtav.runtime.peer import Peer
from rtav.runtime.supervisor import Opening
from rtav.server.access import Caller
from rtav.server.payload import merged
from rtav.server.services import RunningCall, Services
from rtav.server.sessions import session_is_over

REALTIME_PATH = "/v1/realtime"
CALLS_PATH = "/v1/realtime/calls"

_DIALECTS = tuple(Dialect)


async def admitted(
    connection: HTTPConnection,
    caller: Caller,
    session: Mapping[str, Any],
    services: Services,
    places: contextlib.ExitStack,
) -> Opening:
    """What this call starts with. Its places are held by `places` until the call exists.

    Raises ProtocolError, AtCapacity and StorageError.
    """
    joined = connection.query_params.get("session_id")
    if joined is not None:
        await services.sessions.joinable(joined, caller)
    opening = _opening(connection, caller, session, services)
    if joined is not None:
        rest = places.enter_context(services.sessions.joining(joined))
        opening = _joining(opening, joined, rest, caller, services)
    waits = joined is not None and opening.past is None
    replaces = joined is not None and services.sessions.call_of(joined) is not None
    places.enter_context(services.admission.place(is_free=replaces))
    services.supervisor.admit()
    services.supervisor.check(opening)
    places.enter_context(services.allowance.place(caller.key, is_new=not waits))
    if joined is None or not services.sessions.opened_by(joined, caller):
        await services.access.spend(caller)
    return opening


async def begin(
    peer: Peer,
    opening: Opening,
    caller: Caller,
    services: Services,
    places: contextlib.ExitStack,
) -> RunningCall:
    """Start the call of a peer; if that fails the peer is closed.

    `places` are given up as soon as the call exists, and is counted itself.
    """
    try:
        if opening.past is not None:
            opening = replace(opening, past=_taken(opening.session_id, services))
        call = services.supervisor.open(peer, opening)
    except BaseException:  # whatever it is: the peer has no other owner yet
        await peer.close("failed")
        raise
    try:
        services.sessions.began(opening.call_id, opening.session_id, caller, look=call.shown)
        places.close()
    except BaseException:  # whatever it is: nobody else would end this call
        call.hang_up("failed")
        raise
    return call


def joined_call(
    connection: HTTPConnection, caller: Caller, call_id: str, services: Services
) -> RunningCall:
    """The running call that a sideband names; it takes one more connection.

    Only the key that opened the call, or an administrator's: a client secret is for one's own
    call. Raises ProtocolError, `call_id_not_found` also for a call that is not the caller's.
    """
    if caller.grant is not None:
        raise ProtocolError(
            "A client secret cannot join a running call; use an API key",
            code="insufficient_permissions",
        )
    call = services.supervisor.find(call_id)
    if call is None or not services.sessions.has_call(call_id, caller):
        raise no_such_call()
    try:
        call.sidebands.admit()
    except PeerGone:
        raise no_such_call() from None
    return call


def call_headers(opening: Opening) -> dict[str, str]:
    """What is told of a call beside its answer: where it is, and which session it is."""
    return {
        "Location": f"{CALLS_PATH}/{opening.call_id}",
        "X-Session-Id": opening.session_id,
    }


def no_such_call() -> ProtocolError:
    return ProtocolError("There is no such call", code="call_id_not_found")


def sideband_signs(connection: HTTPConnection, *, by_message: bool) -> Signs:
    """What a sideband shows of its dialect."""
    return Signs(
        named=_dialect(connection.query_params.get("dialect")),
        beta=_shows_beta(connection),
        agents_header=_shows_agents(connection),
        auth_message=by_message,
    )


def _shows_beta(connection: HTTPConnection) -> bool:
    """By its header, or by posting an offer where only the beta takes one."""
    posts = connection.scope["type"] == "http" and connection.scope["path"] == REALTIME_PATH
    return posts or "realtime=v1" in connection.headers.get("openai-beta", "")


def _shows_agents(connection: HTTPConnection) -> bool:
    return "x-openai-agents-sdk" in connection.headers


def _opening(
    connection: HTTPConnection, caller: Caller, session: Mapping[str, Any], services: Services
) -> Opening:
    query = connection.query_params
    named = query.get("model")
    minutes = caller.key.limits.max_minutes
    return Opening(
        call_id=services.new_id("rtc_"),
        session_id=services.new_id("session_"),
        session={"model": named, **session} if named else session,
        secret_session=caller.session,
        dialect=_dialect(query.get("dialect")),
        beta_header=_shows_beta(connection),
        agents_header=_shows_agents(connection),
        key_spelling=caller.spelling,
        call_s=None if minutes is None else minutes * 60,
        query=RTAV_QUERY & query.keys(),
        owner=caller.key.id,
        own=services.library.own(caller.key.id),
    )


def _joining(
    opening: Opening,
    session_id: str,
    rest: Mapping[str, Any],
    caller: Caller,
    services: Services,
) -> Opening:
    """The opening of a call that joins a session made over REST, with that one's configuration, or
    goes on with one that had a call."""
    if (past := _past(session_id, services)) is not None:
        is_for_it = caller.grant is not None and caller.grant.for_session == session_id
        secret_session = opening.secret_session if is_for_it else {}
        return replace(opening, session_id=session_id, past=past, secret_session=secret_session)
    return replace(
        opening,
        session_id=session_id,
        secret_session=merged(opening.secret_session, rest),
        rest_session=True,
    )


def _past(session_id: str, services: Services) -> Past | None:
    """What a session has been up to now, whether its call is over or not."""
    call_id = services.sessions.call_of(session_id)
    if call_id is None:
        return services.sessions.past_of(session_id)
    return services.supervisor.past(call_id)


def _taken(session_id: str, services: Services) -> Past:
    """What a session is gone on with. A call that it still has ends: its client may not have
    noticed yet that its network is another one. Raises ProtocolError if there is none any more."""
    call_id = services.sessions.call_of(session_id)
    if call_id is None:
        past = services.sessions.past_of(session_id)
    else:
        past = services.supervisor.replace(call_id)
    if past is None:
        raise session_is_over()
    return past


def _dialect(named: str | None) -> str | None:
    if named is not None and named not in _DIALECTS:
        raise supported(named, _DIALECTS, param="dialect")
    return named
