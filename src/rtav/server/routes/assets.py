"""The public lists: faces, voices, driving motions, models. No key is needed."""

from __future__ import annotations

from fastapi import APIRouter

from rtav.errors import ProtocolError
from rtav.server.answers import errors
from rtav.server.listing import Entry
from rtav.server.payload import JsonObject
from rtav.server.services import Services


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Assets"])
    listing = services.listing

    @routes.get("/v1/faces", summary="The faces")
    async def faces() -> JsonObject:
        return {"faces": listing.faces}

    @routes.get("/v1/voices", summary="The voices")
    async def voices() -> JsonObject:
        return {"voices": listing.voices}

    @routes.get("/v1/driving", summary="The driving motions")
    async def driving() -> JsonObject:
        return {"driving": listing.driving}

    @routes.get("/v1/models", summary="The language models", tags=["Models"])
    async def models() -> JsonObject:
        return {"object": "list", "data": listing.models}

    @routes.get(
        "/v1/models/{model}", summary="One language model", tags=["Models"], responses=errors(404)
    )
    async def model(model: str) -> Entry:
        entry = listing.model(model)
        if entry is None:
            raise ProtocolError("There is no such model", code="model_not_found", param="model")
        return entry

    return routes
