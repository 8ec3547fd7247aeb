"""What operators and their machines ask: alive, ready, how it goes."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rtav.server.payload import JsonObject
from rtav.server.services import Services


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Operations"])

    @routes.get("/healthz", summary="The process answers")
    async def alive() -> JsonObject:
        return {"status": "ok"}

    @routes.get(
        "/readyz",
        summary="A call would be taken",
        responses={503: {"description": "All lines are busy; a load balancer asks the next."}},
    )
    async def ready() -> JSONResponse:
        """503 while all lines are busy: a load balancer then asks the next server."""
        is_full = services.admission.is_full
        body = {"status": "full" if is_full else "ready", "calls": services.supervisor.calls}
        return JSONResponse(body, status_code=503 if is_full else 200)

    @routes.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def published() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes
