"""`GET /v1/realtime/ice_servers`: where a client's packets may go round a firewall."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from rtav.server.access import Caller
from rtav.server.answers import errors
from rtav.server.keys import Scope, user_id
from rtav.server.payload import JsonObject
from rtav.server.services import Services


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Realtime"])

    @routes.get(
        "/v1/realtime/ice_servers",
        summary="STUN and TURN servers for a call",
        responses=errors(401, 403, 503),
    )
    async def ice_servers(request: Request, response: Response) -> JsonObject:
        """For `new RTCPeerConnection({iceServers})`; with an API key or a client secret."""
        response.headers["Cache-Control"] = "no-store"
        caller = await services.access.request_caller(request)
        caller.needs(Scope.CALLS)
        return {"ice_servers": listed(services, caller)}

    return routes


def listed(services: Services, caller: Caller) -> list[JsonObject]:
    """What this caller's clients are told."""
    return services.ice_servers.listed(user_id(caller.key.id), now=services.unix())
