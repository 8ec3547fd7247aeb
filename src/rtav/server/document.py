"""The OpenAPI document: FastAPI's own, made true where our answers differ from its framework's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

Json = dict[str, Any]  # Any: an OpenAPI document

_HERE, _SHARED = "#/$defs/", "#/components/schemas/"


class DocumentedApi(FastAPI):
    """As FastAPI, with a document that says what is really answered."""

    def openapi(self) -> Json:
        """Made once. Parameters are refused by 400; models below a route stand among the others."""
        if self.openapi_schema is None:
            document = super().openapi()
            for operation in _operations(document):
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    del operation["responses"]["422"]
            shared = document.setdefault("components", {}).setdefault("schemas", {})
            for name in ("HTTPValidationError", "ValidationError"):
                shared.pop(name, None)
            _share(document["paths"], shared)
        assert self.openapi_schema is not None
        return self.openapi_schema


def _operations(document: Json) -> Iterator[Json]:
    for methods in document["paths"].values():
        yield from methods.values()


def _share(part: Any, shared: Json) -> None:
    """Move the models that pydantic puts into a schema to where references of the document find
    them."""
    if isinstance(part, dict):
        for name, model in part.pop("$defs", {}).items():
            shared[name] = model
            _share(model, shared)
        if isinstance(target := part.get("$ref"), str):
            part["$ref"] = target.replace(_HERE, _SHARED)
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            _share(each, shared)
