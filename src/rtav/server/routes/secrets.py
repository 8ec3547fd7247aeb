"""Ephemeral keys for browsers: `/v1/realtime/client_secrets`, and the beta's older path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtav.errors import ProtocolError
from rtav.protocol.beta import older_session
from rtav.protocol.refusal import refuse
from rtav.protocol.session import SessionPatch
from rtav.server.access import Caller
from rtav.server.answers import answer, errors
from rtav.server.ephemeral import DEFAULT_LIFE_S, MAX_LIFE_S, MIN_LIFE_S, Grant, spell
from rtav.server.keys import Scope
from rtav.server.payload import JsonObject, read_object
from rtav.server.routes.ice_servers import listed
from rtav.server.services import Services
from rtav.server.shapes import Secret

ORIGIN = r"^[a-z][a-z0-9+.-]*:/{2}[^/?#@\sA-Z]+$"
"""What a browser's `Origin` can be (RFC 6454): anything else would never match one.
`/{2}` because the page at /docs, which shows it, is tested to hold no address of elsewhere."""


class _ExpiresAfter(BaseModel):
    model_config = ConfigDict(strict=True)

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=MIN_LIFE_S, le=MAX_LIFE_S)] = DEFAULT_LIFE_S


class SecretRequest(BaseModel):
    """What a client secret is to allow, and for how long."""

    model_config = ConfigDict(strict=True)

    expires_after: _ExpiresAfter | None = None
    session: dict[str, Any] | None = None  # Any: the session's own models check it
    origins: list[Annotated[str, Field(pattern=ORIGIN)]] = []
    """Web origins the secret works from, as browsers send them; empty: all."""
    single_use: bool = False
    """The secret opens one call."""
    session_id: str | None = None
    """A session of this key that a call with the secret may go on with."""


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Realtime"])

    @routes.post(
        "/v1/realtime/client_secrets",
        summary="Mint an ephemeral key",
        response_model=None,
        responses=answer(Secret) | errors(400, 401, 403, 404, 413, 503),
        openapi_extra={
            "requestBody": {
                "content": {"application/json": {"schema": SecretRequest.model_json_schema()}}
            }
        },
    )
    async def mint(request: Request, response: Response) -> JsonObject:
        response.headers["Cache-Control"] = "no-store"
        caller = await services.access.operator(request)
        caller.needs(Scope.CALLS)
        wanted = _parsed(await read_object(request))
        if wanted.session_id is not None:
            await services.sessions.find(wanted.session_id, caller)
        minted = await _minted(services, caller, wanted)
        return {
            "client_secret": spell(minted.token, "rtav_sk"),
            "value": spell(minted.token, "ek"),
            "expires_in": minted.life_s,
            "expires_at": minted.expires_at,
            "session": minted.session,
            "ice_servers": listed(services, caller),
        }

    @routes.post(
        "/v1/realtime/sessions",
        summary="Mint an ephemeral key (OpenAI's beta)",
        responses=errors(400, 401, 403, 404, 413, 503),
        openapi_extra={
            "requestBody": {
                "content": {"application/json": {"schema": SessionPatch.model_json_schema()}}
            }
        },
    )
    async def mint_older(request: Request, response: Response) -> JsonObject:
        """The body is a session in the beta's flat shape, and so is the answer. Calls with this key
        are in the beta dialect, unless `dialect` says otherwise."""
        response.headers["Cache-Control"] = "no-store"
        caller = await services.access.operator(request)
        caller.needs(Scope.CALLS)
        body = await read_object(request)
        older = body.pop("client_secret", None)
        after = older.get("expires_after") if isinstance(older, dict) else None
        session = {"dialect": "beta", **body}
        wanted = _parsed({"session": session, "expires_after": after}, prefix="client_secret")
        minted = await _minted(services, caller, wanted)
        secret = {"value": spell(minted.token, "ek"), "expires_at": minted.expires_at}
        return older_session(minted.session) | {"client_secret": secret}

    @routes.post(
        "/v1/realtime/transcription_sessions",
        summary="Refused: sessions that only transcribe",
        responses=errors(400, 401, 403, 413, 503),
    )
    async def transcribe(request: Request) -> JsonObject:
        await services.access.operator(request)
        raise ProtocolError(
            "There are no sessions of type 'transcription' here. One of type 'realtime' "
            "transcribes with `audio.input.transcription`, and does not answer if "
            "`audio.input.turn_detection.create_response` is false.",
            code="invalid_value",
            param="session.type",
        )

    return routes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minted:
    token: str
    life_s: int
    expires_at: int
    session: JsonObject
    """As a call with this secret begins."""


async def _minted(services: Services, caller: Caller, wanted: SecretRequest) -> _Minted:
    session = wanted.session or {}
    described = services.supervisor.describe(session, services.library.own(caller.key.id))
    now = services.unix()
    life_s = wanted.expires_after.seconds if wanted.expires_after else DEFAULT_LIFE_S
    grant = Grant(
        id=services.new_id("cs_"),
        parent=caller.key.hash,
        expires_at=int(now) + life_s,
        origins=tuple(wanted.origins),
        session=session,
        single_use=wanted.single_use,
        for_session=wanted.session_id or "",
    )
    token = await services.access.mint(grant)
    return _Minted(token=token, life_s=life_s, expires_at=grant.expires_at, session=described)


def _parsed(body: JsonObject, *, prefix: str = "") -> SecretRequest:
    try:
        return SecretRequest.model_validate(body)
    except ValidationError as error:
        raise refuse(error, raw=body, prefix=prefix) from None
