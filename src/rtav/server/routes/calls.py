"""`/v1/realtime/calls`: a WebRTC offer in, an answer out, and the end of a call."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response

from rtav.core.dialect import Dialect
from rtav.errors import ProtocolError
from rtav.runtime.supervisor import Opening
from rtav.server.access import Caller
from rtav.server.keys import Scope
from rtav.server.payload import merged, read_offer
from rtav.server.services import Services

CALLS_PATH = "/v1/realtime/calls"

_DIALECTS = tuple(Dialect)

_SDP = {"type": "string", "description": "The SDP offer; candidates are not needed."}
_SESSION = {"type": "string", "description": "The session's configuration, as JSON."}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["sdp"],
        "properties": {"sdp": _SDP, "session": _SESSION},
    }
}
_DOCUMENTED = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _FORM,
            "application/x-www-form-urlencoded": _FORM,
            "application/sdp": {"schema": _SDP},
        },
    },
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": description,
            "schema": {"type": "string"},
        }
        for name, description in (
            ("model", "The language model, unless the session names one."),
            ("dialect", "How events are spelt: `openai`, `rtav` or `beta`."),
            ("session_id", "A session from `POST /v1/sessions` that the call joins."),
        )
    ],
    "responses": {
        "201": {
            "description": "The SDP answer, with all candidates.",
            "content": {"application/sdp": {"schema": {"type": "string"}}},
            "headers": {
                "Location": {"description": "The call.", "schema": {"type": "string"}},
                "X-Session-Id": {"description": "The session.", "schema": {"type": "string"}},
            },
        }
    },
}


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Realtime"])

    @routes.post(
        CALLS_PATH,
        summary="Open a call",
        status_code=201,
        response_class=Response,
        openapi_extra=_DOCUMENTED,
    )
    async def create(request: Request) -> Response:
        caller = await services.access.request_caller(request)
        caller.needs(Scope.CALLS)
        body = await read_offer(request)
        joined = request.query_params.get("session_id")
        if joined is not None:
            await services.sessions.joinable(joined, caller)
        with contextlib.ExitStack() as places:
            opening = _opening(request, caller, body.session, services)
            if joined is not None:
                rest = places.enter_context(services.sessions.joining(joined))
                opening = _joining(opening, joined, rest)
            places.enter_context(services.admission.place())
            services.supervisor.admit()
            services.supervisor.check(opening)
            places.enter_context(services.allowance.place(caller.key, is_new=joined is None))
            await services.access.spend(caller)
            answer = await _connected(services, body.sdp, opening, caller, places)
        return Response(
            answer,
            status_code=201,
            media_type=_answer_type(request.headers.get("accept", "")),
            headers={
                "Location": f"{CALLS_PATH}/{opening.call_id}",
                "X-Session-Id": opening.session_id,
            },
        )

    @routes.post(CALLS_PATH + "/{call_id}/hangup", summary="End a call", response_class=Response)
    async def hang_up(call_id: str, request: Request) -> Response:
        caller = await services.access.request_caller(request)
        call = services.supervisor.find(call_id)
        if call is None or not services.sessions.has_call(call_id, caller):
            raise ProtocolError("There is no such call", code="call_id_not_found")
        call.hang_up("hangup")
        return Response(status_code=200)

    return routes


async def _connected(
    services: Services,
    sdp: str,
    opening: Opening,
    caller: Caller,
    places: contextlib.ExitStack,
) -> str:
    """Make the peer, start its call, return the answer; a failure leaves neither behind.

    `places` are given up as soon as the call exists, and is counted itself.
    """
    codec = opening.session.get("video_codec", opening.secret_session.get("video_codec"))
    peer = await services.webrtc.connect(sdp, video_codec=codec)
    try:
        shown = services.supervisor.shown(opening)
        call = services.supervisor.open(peer, opening)
    except BaseException:  # whatever it is: the peer has no other owner yet
        await peer.close("failed")
        raise
    try:
        services.sessions.began(opening.call_id, opening.session_id, caller, shown=shown)
        places.close()
        return await peer.answer()
    except BaseException:  # whatever it is: nobody else would end this call
        call.hang_up("failed")
        raise


def _opening(
    request: Request, caller: Caller, session: Mapping[str, Any], services: Services
) -> Opening:
    named = request.query_params.get("model")
    minutes = caller.key.limits.max_minutes
    return Opening(
        call_id=services.new_id("rtc_"),
        session_id=services.new_id("session_"),
        session={"model": named, **session} if named else session,
        secret_session=caller.session,
        dialect=_dialect(request),
        beta_header="realtime=v1" in request.headers.get("openai-beta", ""),
        agents_header="x-openai-agents-sdk" in request.headers,
        key_spelling=caller.spelling,
        call_s=None if minutes is None else minutes * 60,
    )


def _joining(opening: Opening, session_id: str, rest: Mapping[str, Any]) -> Opening:
    """The opening of a call that joins a session made over REST, with that one's configuration."""
    return replace(
        opening,
        session_id=session_id,
        secret_session=merged(opening.secret_session, rest),
        rest_session=True,
    )


def _dialect(request: Request) -> str | None:
    named = request.query_params.get("dialect")
    if named is not None and named not in _DIALECTS:
        raise ProtocolError(
            f"Invalid value for 'dialect': supported are {', '.join(_DIALECTS)}.",
            code="invalid_value",
            param="dialect",
        )
    return named


def _answer_type(accept: str) -> str:
    """`text/plain` for who accepts that and nothing that covers SDP."""
    accepted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    covers_sdp = accepted & {"application/sdp", "application/*", "*/*"}
    return "text/plain" if "text/plain" in accepted and not covers_sdp else "application/sdp"
