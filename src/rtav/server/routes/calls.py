"""`/v1/realtime/calls`: a WebRTC offer in, an answer out, and the end of a call."""

from __future__ import annotations

import contextlib

from fastapi import APIRouter, Request, Response

from rtav.runtime.supervisor import Opening
from rtav.server.access import Caller
from rtav.server.answers import errors
from rtav.server.keys import Scope
from rtav.server.opening import (
    CALLS_PATH,
    REALTIME_PATH,
    admitted,
    begin,
    call_headers,
    no_such_call,
)
from rtav.server.payload import read_offer
from rtav.server.services import Services

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
        responses=errors(400, 401, 403, 404, 409, 413, 415, 429, 503),
        openapi_extra=_DOCUMENTED,
    )
    async def create(request: Request) -> Response:
        caller = await services.access.request_caller(request)
        caller.needs(Scope.CALLS)
        body = await read_offer(request)
        with contextlib.ExitStack() as places:
            opening = await admitted(request, caller, body.session, services, places)
            answer = await _connected(services, body.sdp, opening, caller, places)
        return Response(
            answer,
            status_code=201,
            media_type=_answer_type(request.headers.get("accept", "")),
            headers=call_headers(opening),
        )

    routes.post(
        REALTIME_PATH,
        summary="Open a call (OpenAI's beta)",
        status_code=201,
        response_class=Response,
        responses=errors(400, 401, 403, 404, 409, 413, 415, 429, 503),
        openapi_extra=_DOCUMENTED,
    )(create)

    @routes.post(
        CALLS_PATH + "/{call_id}/hangup",
        summary="End a call",
        response_class=Response,
        responses=errors(401, 403, 404, 503),
    )
    async def hang_up(call_id: str, request: Request) -> Response:
        caller = await services.access.request_caller(request)
        call = services.supervisor.find(call_id)
        if call is None or not services.sessions.has_call(call_id, caller):
            raise no_such_call()
        call.hang_up("hangup")
        return Response(status_code=200)

    async def not_by_telephone(call_id: str, request: Request) -> None:
        """OpenAI answers telephones by these; here no call comes in that way."""
        await services.access.request_caller(request)
        raise no_such_call()

    for verb in ("accept", "refer", "reject"):
        routes.post(CALLS_PATH + "/{call_id}/" + verb, include_in_schema=False)(not_by_telephone)
    return routes


async def _connected(
    services: Services,
    sdp: str,
    opening: Opening,
    caller: Caller,
    places: contextlib.ExitStack,
) -> str:
    """Make the peer, start its call, return the answer; a failure leaves neither behind."""
    codec = opening.session.get("video_codec", opening.secret_session.get("video_codec"))
    peer = await services.webrtc.connect(sdp, video_codec=codec and codec.lower())
    call = await begin(peer, opening, caller, services, places)
    try:
        return await peer.answer()
    except BaseException:  # whatever it is: nobody else would end this call
        call.hang_up("failed")
        raise


def _answer_type(accept: str) -> str:
    """`text/plain` for who accepts that and nothing that covers SDP."""
    accepted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    covers_sdp = accepted & {"application/sdp", "application/*", "*/*"}
    return "text/plain" if "text/plain" in accepted and not covers_sdp else "application/sdp"
