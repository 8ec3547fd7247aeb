"""`/v1/models`: the language models. No key is needed."""

from __future__ import annotations

from fastapi import APIRouter

from rtav.errors import ProtocolError
from rtav.server.answers import answer, errors
from rtav.server.listing import Entry
from rtav.server.payload import JsonObject
from rtav.server.services import Services
from rtav.server.shapes import Model, ModelList


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Models"])
    listing = services.listing

    @routes.get(
        "/v1/models",
        summary="The language models",
        response_model=None,
        responses=answer(ModelList),
    )
    async def models() -> JsonObject:
        return {"object": "list", "data": listing.models}

    @routes.get(
        "/v1/models/{model}",
        summary="One language model",
        response_model=None,
        responses=answer(Model) | errors(404),
    )
    async def model(model: str) -> Entry:
        entry = listing.model(model)
        if entry is None:
            raise ProtocolError("There is no such model", code="model_not_found", param="model")
        return entry

    return routes
