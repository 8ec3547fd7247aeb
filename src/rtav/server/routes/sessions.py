"""`/v1/sessions`: sessions made before their call, and what became of every session."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from rtav.errors import ProtocolError
from rtav.protocol.session import SessionPatch
from rtav.runtime.supervisor import Opening
from rtav.server.access import Caller
from rtav.server.answers import answer, errors
from rtav.server.keys import Scope, user_id
from rtav.server.payload import JsonObject, read_object
from rtav.server.services import Services
from rtav.server.shapes import SessionPage, SessionShown
from rtav.server.storage.records import SessionRecord, Status
from rtav.server.storage.sessions import Wanted

SESSIONS_PATH = "/v1/sessions"

_QUERY_FIELDS = ("model", "voice", "voice_id", "face", "face_id")
"""Older clients name these in the query."""

_DOCUMENTED = {
    "requestBody": {
        "description": "A session's configuration; every field is optional.",
        "content": {"application/json": {"schema": SessionPatch.model_json_schema()}},
    }
}

Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
After = Annotated[str | None, Query(description="The last session of the page before.")]
OfStatus = Annotated[Status | None, Query(description="Only those.")]
OfKey = Annotated[
    str | None,
    Query(
        description="Only this key's; needs the scope `admin`.", pattern=r"^[A-Za-z0-9_-]{1,64}$"
    ),
]


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Sessions"])
    of_one = answer(SessionShown) | errors(401, 403, 404, 503)
    sessions, access = services.sessions, services.access

    @routes.post(
        SESSIONS_PATH,
        summary="Make a session that waits for its call",
        status_code=201,
        response_model=None,
        responses=answer(SessionShown, status=201) | errors(400, 401, 403, 404, 413, 429, 503),
        openapi_extra=_DOCUMENTED,
    )
    async def make(request: Request) -> JSONResponse:
        caller = await access.operator(request)
        caller.needs(Scope.CALLS)
        config = _named(request) | await read_object(request)
        opening = _opening(services, caller, config, request.query_params.get("dialect"))
        with services.admission.place():
            services.supervisor.admit()
            shown = services.supervisor.shown(opening)
            with services.allowance.place(caller.key):
                made = sessions.make(opening.session_id, caller, config=config, shown=shown)
        location = f"{SESSIONS_PATH}/{made.id}"
        return JSONResponse(body(made), 201, {"Location": location, "X-Session-Id": made.id})

    @routes.get(
        SESSIONS_PATH,
        summary="The sessions, the newest first",
        response_model=None,
        responses=answer(SessionPage) | errors(400, 401, 403, 404, 503),
    )
    async def listed(
        request: Request,
        limit: Limit = 20,
        after: After = None,
        status: OfStatus = None,
        key_id: OfKey = None,
    ) -> JsonObject:
        caller = await access.operator(request)
        before = await _place_of(after, caller)
        page = await sessions.page(
            Wanted(key_id=whose(caller, key_id), status=status, before=before, limit=limit + 1)
        )
        data = [body(record) for record in page[:limit]]
        return {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": len(page) > limit,
        }

    async def _place_of(after: str | None, caller: Caller) -> tuple[datetime, str] | None:
        if after is None:
            return None
        last = await sessions.find(after, caller)
        return last.created_at, last.id

    @routes.get(
        SESSIONS_PATH + "/{session_id}",
        summary="One session",
        response_model=None,
        responses=of_one,
    )
    async def one(session_id: str, request: Request) -> JsonObject:
        caller = await access.operator(request)
        return body(await sessions.find(session_id, caller))

    async def end(session_id: str, request: Request) -> JsonObject:
        """Its call is hung up. A session that is over stays as it is."""
        caller = await access.operator(request)
        return body(await sessions.end(session_id, caller))

    path = SESSIONS_PATH + "/{session_id}"
    routes.delete(path, summary="End a session", response_model=None, responses=of_one)(end)
    routes.post(
        path + "/end", summary="End a session (older name)", response_model=None, responses=of_one
    )(end)
    return routes


def body(record: SessionRecord) -> JsonObject:
    """A session as the API shows it."""
    return {
        "id": record.id,
        "user_id": user_id(record.key_id),
        **record.config,
        "status": record.status,
        "created_at": timestamp(record.created_at),
        "started_at": timestamp(record.started_at),
        "ended_at": timestamp(record.ended_at),
        "duration_seconds": record.duration_seconds,
    }


def timestamp(at: datetime | None) -> str | None:
    """ISO 8601 with microseconds; UTC, and without saying so, as clients know it."""
    return None if at is None else at.replace(tzinfo=None).isoformat(timespec="microseconds")


def whose(caller: Caller, key_id: str | None) -> str | None:
    """The key whose sessions are asked for, None for all keys'. Raises ProtocolError."""
    if caller.may(Scope.ADMIN):
        return key_id
    if key_id not in (None, caller.key.id):
        raise ProtocolError(
            "Another key's sessions are for keys with the scope `admin`",
            code="insufficient_permissions",
            param="key_id",
        )
    return caller.key.id


def _named(request: Request) -> dict[str, Any]:  # Any: JSON
    query = request.query_params
    return {name: query[name] for name in _QUERY_FIELDS if name in query}


def _opening(
    services: Services, caller: Caller, config: JsonObject, dialect: str | None
) -> Opening:
    """What a call would show that joined this session and said nothing itself."""
    return Opening(
        call_id="",
        session_id=services.new_id("session_"),
        session=config,
        secret_session={},
        dialect=dialect,
        beta_header=False,
        agents_header=False,
        key_spelling=caller.spelling,
        rest_session=True,
        own=services.library.own(caller.key.id),
    )
