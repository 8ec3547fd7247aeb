"""`/v1/realtime`: a call on a WebSocket, or a further connection to one that runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from rtav.core.dialect import BETA_SUBPROTOCOL
from rtav.errors import AtCapacity, PeerGone, ProtocolError, RateLimited, RtavError
from rtav.runtime.supervisor import Opening
from rtav.server.access import Caller
from rtav.server.keys import Scope
from rtav.server.opening import (
    REALTIME_PATH,
    admitted,
    begin,
    call_headers,
    joined_call,
    no_such_call,
    sideband_signs,
)
from rtav.server.services import Services
from rtav.server.storage.database import StorageError
from rtav.transports.websocket.peer import WebSocketPeer

PROTOCOL = "realtime"
_KEY_PROTOCOL = "openai-insecure-api-key."

AUTH_S = 10.0
"""For the `auth` message of a client whose handshake showed no key."""

UNAUTHORIZED, REFUSED, TRY_LATER = 4401, 1008, 1013
_KEY_CODES = frozenset({"invalid_api_key", "expired_client_secret", "authentication_required"})


def router(services: Services) -> APIRouter:
    routes = APIRouter()

    @routes.websocket(REALTIME_PATH)
    async def realtime(socket: WebSocket) -> None:
        services.sockets.admit()
        if (key := _shown_key(socket)) is not None:
            caller = await services.access.known(key, origin=socket.headers.get("origin"))
            await _served(socket, caller, services)
            return
        with services.sockets.waiting():
            await _accept(socket)
            try:
                caller = await _introduced(socket, services)
            except (RtavError, TimeoutError, WebSocketDisconnect) as error:
                await _refuse(socket, error, services)
                return
        await _served(socket, caller, services, by_message=True)

    return routes


async def _served(
    socket: WebSocket, caller: Caller, services: Services, *, by_message: bool = False
) -> None:
    """The whole connection. What is wrong is told at the handshake, or in an event behind it."""
    try:
        if (call_id := socket.query_params.get("call_id")) is not None:
            peer = await _joined(socket, caller, call_id, services, by_message=by_message)
        else:
            peer = await _called(socket, caller, services, by_message=by_message)
    except (RtavError, WebSocketDisconnect) as error:
        if not _is_accepted(socket):
            raise
        await _refuse(socket, error, services)
        return
    await peer.run()


async def _called(
    socket: WebSocket, caller: Caller, services: Services, *, by_message: bool
) -> WebSocketPeer:
    caller.needs(Scope.CALLS)
    with contextlib.ExitStack() as places:
        opening = await admitted(socket, caller, _queried(socket), services, places)
        if not by_message:
            await _accept(socket, opening)
        peer = services.sockets.connect(socket, subprotocol=_sign(socket))
        opening = replace(opening, auth_message=by_message)
        await begin(peer, opening, caller, services, places)
    return peer


async def _joined(
    socket: WebSocket, caller: Caller, call_id: str, services: Services, *, by_message: bool
) -> WebSocketPeer:
    call = joined_call(socket, caller, call_id, services)
    signs = sideband_signs(socket, by_message=by_message)
    if not by_message:
        await _accept(socket)
    peer = services.sockets.connect(socket, subprotocol=_sign(socket))
    try:
        call.sidebands.add(peer, signs)
    except RtavError as error:  # the call has changed while the client was let in
        await peer.close("failed")
        raise (no_such_call() if isinstance(error, PeerGone) else error) from None
    return peer


async def _accept(socket: WebSocket, opening: Opening | None = None) -> None:
    """Browsers take no socket for which none of their subprotocols was chosen."""
    offered = socket.scope["subprotocols"]
    headers = call_headers(opening) if opening is not None else {}
    await socket.accept(
        subprotocol=PROTOCOL if PROTOCOL in offered else None,
        headers=[(name.lower().encode(), value.encode()) for name, value in headers.items()],
    )


def _is_accepted(socket: WebSocket) -> bool:
    return socket.application_state.name == "CONNECTED"


# --- who it is -------------------------------------------------------------------------------


def _shown_key(socket: WebSocket) -> str | None:
    """The key of the handshake, by header or subprotocol."""
    if header := socket.headers.get("authorization"):
        scheme, _, key = header.partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""
    for offered in socket.scope["subprotocols"]:
        if offered.startswith(_KEY_PROTOCOL):
            return str(offered.removeprefix(_KEY_PROTOCOL))
    return None


async def _introduced(socket: WebSocket, services: Services) -> Caller:
    """The caller of an `auth` message. Raises ProtocolError, TimeoutError, WebSocketDisconnect."""
    async with asyncio.timeout(AUTH_S):
        message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    key = _key_in(message.get("text") or message.get("bytes") or "")
    if key is None:
        raise ProtocolError(
            "The first message has to be an `auth` message with an `api_key`.",
            code="authentication_required",
        )
    return await services.access.known(key, origin=socket.headers.get("origin"))


def _key_in(message: str | bytes) -> str | None:
    try:
        raw = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or raw.get("type") != "auth":
        return None
    named = (raw.get(name) for name in ("api_key", "token", "client_secret"))
    return next((key for key in named if isinstance(key, str)), None)


# --- what it wants ---------------------------------------------------------------------------


def _queried(socket: WebSocket) -> Mapping[str, Any]:
    """What older clients say about their session in the query."""
    query = socket.query_params
    session: dict[str, Any] = {}
    for name, field in (("voice", "voice"), ("voice_id", "voice"), ("face_id", "face")):
        if query.get(name):
            session[field] = query[name]
    if "video" in query:
        images = ["image"] if query["video"].lower() in ("true", "1") else []
        session["modalities"] = ["audio", "text", *images]
    return session


def _sign(socket: WebSocket) -> str:
    """What the offered subprotocols say about the dialect; never a key."""
    offered = socket.scope["subprotocols"]
    if BETA_SUBPROTOCOL in offered:
        return BETA_SUBPROTOCOL
    found = (name.partition(".")[0] for name in offered if name.startswith("openai-"))
    return next(found, "")


# --- what went wrong -------------------------------------------------------------------------


async def _refuse(socket: WebSocket, error: Exception, services: Services) -> None:
    """Tell a client that was let in already why it must go."""
    if isinstance(error, WebSocketDisconnect):
        return
    message, code, param = _told(error)
    body = {
        "type": "error",
        "event_id": services.new_id("event_"),
        "error": {
            "type": "invalid_request_error",
            "code": code,
            "message": message,
            "param": param,
            "event_id": None,
        },
    }
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it has left meanwhile
        await socket.send_text(json.dumps(body))
        await socket.close(_close_code(error, code), message[:100])


def _told(error: Exception) -> tuple[str, str | None, str | None]:
    match error:
        case ProtocolError():
            return error.message, error.code, error.param
        case TimeoutError():
            return "No `auth` message came.", "authentication_required", None
        case StorageError():
            return "The database does not answer now.", "storage_unavailable", None
        case AtCapacity():
            return str(error) or "All lines are busy.", "no_capacity", None
        case _:
            return "The call cannot be opened.", "internal_error", None


def _close_code(error: Exception, code: str | None) -> int:
    if code in _KEY_CODES:
        return UNAUTHORIZED
    return TRY_LATER if isinstance(error, AtCapacity | StorageError | RateLimited) else REFUSED
