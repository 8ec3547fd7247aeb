"""`POST /v1/realtime/client_secrets`: ephemeral keys for browsers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtav.protocol.refusal import refuse
from rtav.server.answers import errors
from rtav.server.ephemeral import DEFAULT_LIFE_S, MAX_LIFE_S, MIN_LIFE_S, Grant, spell
from rtav.server.keys import Scope
from rtav.server.payload import JsonObject, read_object
from rtav.server.routes.ice_servers import listed
from rtav.server.services import Services


class _ExpiresAfter(BaseModel):
    model_config = ConfigDict(strict=True)

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=MIN_LIFE_S, le=MAX_LIFE_S)] = DEFAULT_LIFE_S


class SecretRequest(BaseModel):
    """What a client secret is to allow, and for how long."""

    model_config = ConfigDict(strict=True)

    expires_after: _ExpiresAfter | None = None
    session: dict[str, Any] | None = None  # Any: the session's own models check it
    origins: list[str] = []
    """Web origins the secret works from; empty: all."""
    single_use: bool = False
    """The secret opens one call."""


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Realtime"])

    @routes.post(
        "/v1/realtime/client_secrets",
        summary="Mint an ephemeral key",
        responses=errors(400, 401, 403, 404, 413, 503),
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
        )
        token = services.access.sealer.seal(grant, now=now)
        return {
            "client_secret": spell(token, "rtav_sk"),
            "value": spell(token, "ek"),
            "expires_in": life_s,
            "expires_at": grant.expires_at,
            "session": described,
            "ice_servers": listed(services, caller),
        }

    return routes


def _parsed(body: JsonObject) -> SecretRequest:
    try:
        return SecretRequest.model_validate(body)
    except ValidationError as error:
        raise refuse(error, raw=body) from None
