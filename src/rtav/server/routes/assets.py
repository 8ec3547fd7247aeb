"""Faces, voices, motions and backgrounds: the public lists, and what a key has uploaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse

import rtav
from rtav.errors import ProtocolError
from rtav.server.access import Caller
from rtav.server.answers import errors
from rtav.server.keys import Scope
from rtav.server.listing import ASSETS_PATH, Entry
from rtav.server.payload import JsonObject, parse_object
from rtav.server.routes.sessions import timestamp
from rtav.server.services import Services
from rtav.server.storage.records import AssetKind, AssetRecord
from rtav.server.uploads.library import Wish
from rtav.server.uploads.receiving import FORM_BYTES, named, receive

PATHS: Mapping[AssetKind, str] = {
    "face": "/v1/faces",
    "voice": "/v1/voices",
    "driving": "/v1/driving",
    "background": "/v1/backgrounds",
}
_LISTS: Mapping[AssetKind, str] = {
    "face": "faces",
    "voice": "voices",
    "driving": "driving",
    "background": "backgrounds",
}
LOOKING = "/v1/faces/landmarks"
_NAMES: Mapping[AssetKind, str] = {
    "face": "face",
    "voice": "voice",
    "driving": "driving motion",
    "background": "background",
}


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["Assets"])
    _add_looking(routes, services)
    for kind in PATHS:
        _add_public(routes, services, kind)
        _add_own(routes, services, kind)
    return routes


def body_limits(services: Services) -> dict[str, int]:
    """By path, what a request that uploads may have in all."""
    limits = {path: services.max_bytes[kind] + FORM_BYTES for kind, path in PATHS.items()}
    return {**limits, LOOKING: limits[PATHS["face"]]}


# --- reading ---------------------------------------------------------------------------------


def _add_public(routes: APIRouter, services: Services, kind: AssetKind) -> None:
    path, what = PATHS[kind], _NAMES[kind]

    @routes.get(
        path,
        summary=f"The {what}s: the standard ones, with a key its own ones too",
        responses=errors(401, 403),
    )
    async def listed(request: Request) -> JsonObject:
        caller = await _known(request, services)
        own = services.library.of(caller.key.id, kind) if caller else ()
        return {_LISTS[kind]: [*_standard(services, kind), *(entry(record) for record in own)]}

    @routes.get(path + "/{asset_id}", summary=f"One {what}", responses=errors(401, 403, 404))
    async def one(asset_id: str, request: Request) -> JsonObject:
        caller = await _known(request, services)
        return dict(_found(services, kind, asset_id, caller))

    if kind in ("face", "background"):

        @routes.get(
            path + "/{asset_id}/preview",
            summary="Its picture",
            response_class=Response,
            responses=errors(401, 403, 404) | {200: {"content": {"image/png": {}}}},
        )
        async def preview(asset_id: str, request: Request) -> Response:
            caller = await _known(request, services)
            if (record := _of_own(services, kind, asset_id, caller)) is not None:
                picture = services.library.preview(record)
            else:
                picture = _public_picture(_found(services, kind, asset_id, caller))
            if not picture.is_file():
                raise ProtocolError("There is no picture of it", code="asset_not_found")
            return FileResponse(
                picture, media_type="image/png", headers={"Cache-Control": "private"}
            )


def entry(record: AssetRecord) -> JsonObject:
    """An uploaded asset as the lists show it."""
    facts = {name: value for name, value in record.facts.items() if name != "preview"}
    if record.facts.get("preview"):
        facts["preview_url"] = f"{PATHS[record.kind]}/{record.id}/preview"
    return {
        "id": record.id,
        "name": record.name,
        "type": "custom",
        "created_at": timestamp(record.created_at),
        "size_bytes": record.size_bytes,
        **facts,
    }


def _public_picture(shown: Entry) -> Path:
    """Of a standard face; one that does not exist where it has none."""
    public = str(shown.get("preview_url", ""))
    return Path(rtav.__file__).parent / "assets" / public.removeprefix(f"{ASSETS_PATH}/")


async def _known(request: Request, services: Services) -> Caller | None:
    """Who asks, if a key is shown: the standard assets are for everyone.

    A client secret shows no more than that: it opens calls, and nothing else.
    """
    if "authorization" not in request.headers:
        return None
    caller = await services.access.request_caller(request)
    return caller if caller.grant is None else None


def _standard(services: Services, kind: AssetKind) -> Sequence[Entry]:
    listing = services.listing
    return {
        "face": listing.faces,
        "voice": listing.voices,
        "driving": listing.driving,
        "background": (),
    }[kind]


def _of_own(
    services: Services, kind: AssetKind, asset_id: str, caller: Caller | None
) -> AssetRecord | None:
    own = services.library.of(caller.key.id, kind) if caller else ()
    return next((record for record in own if record.id == asset_id), None)


def _found(services: Services, kind: AssetKind, asset_id: str, caller: Caller | None) -> Entry:
    """Raises ProtocolError `asset_not_found`, also for what is another key's."""
    if (record := _of_own(services, kind, asset_id, caller)) is not None:
        return entry(record)
    for standard in _standard(services, kind):
        if standard["id"] == asset_id:
            return standard
    raise ProtocolError(f"There is no such {_NAMES[kind]}", code="asset_not_found", param="id")


# --- writing ---------------------------------------------------------------------------------


def _add_own(routes: APIRouter, services: Services, kind: AssetKind) -> None:
    path, what = PATHS[kind], _NAMES[kind]

    @routes.post(
        path,
        summary=f"Upload a {what}",
        status_code=201,
        openapi_extra={"requestBody": _body(kind), "parameters": _QUERY},
        responses=errors(400, 401, 403, 408, 409, 413, 422, 429, 503),
    )
    async def upload(request: Request) -> JSONResponse:
        caller = await _owner(request, services)

        async def received(to: Path) -> Wish:
            file = await receive(request, to, max_bytes=services.max_bytes[kind])
            return _wish(named(file), file.fields)

        record = await services.library.make(kind, caller.key.id, received)
        return JSONResponse(entry(record), 201, {"Location": f"{path}/{record.id}"})

    @routes.delete(
        path + "/{asset_id}",
        summary=f"Delete a {what}; calls that show it keep it",
        responses=errors(401, 403, 404, 503),
    )
    async def delete(asset_id: str, request: Request) -> JsonObject:
        caller = await _owner(request, services)
        record = _of_own(services, kind, asset_id, caller)
        if record is None:
            _found(services, kind, asset_id, caller)
            raise ProtocolError(f"A standard {what} cannot be deleted", code="standard_asset")
        await services.library.delete(record)
        return {"id": asset_id, "deleted": True}


def _add_looking(routes: APIRouter, services: Services) -> None:
    @routes.post(
        LOOKING,
        summary="Find the face in a picture, if the server has a detector",
        openapi_extra={"requestBody": _body("face"), "parameters": _QUERY},
        responses=errors(400, 401, 403, 408, 413, 422, 429, 503),
    )
    async def look(request: Request) -> JsonObject:
        caller = await _owner(request, services)

        async def received(to: Path) -> Wish:
            await receive(request, to, max_bytes=services.max_bytes["face"])
            return Wish(name="")

        return dict(await services.library.examine("face", caller.key.id, received))


async def _owner(request: Request, services: Services) -> Caller:
    caller = await services.access.operator(request)
    caller.needs(Scope.ASSETS)
    return caller


def _wish(name: str, fields: Mapping[str, str]) -> Wish:
    landmarks = fields.get("landmarks")
    more: dict[str, Any] = dict(fields)
    if landmarks is not None:
        more["landmarks"] = parse_object(landmarks, param="landmarks", code="invalid_json")
    shown = {key: fields[key] for key in ("description", "consent", "language") if key in fields}
    return Wish(name=name, more=more, facts=shown)


# --- as it is documented ---------------------------------------------------------------------

_TEXTS = {
    "name": "What to call it; otherwise the file's own name.",
    "description": "For people.",
    "language": "Of a voice: `en`, `de`, …",
    "consent": "Who is shown or heard, and how they agreed.",
    "landmarks": "Of a picture: where the face is, as JSON.",
    "background": "Of a picture: `original`, `matte` (cut out of it) or `#rrggbb`.",
}
_FILES: Mapping[AssetKind, str] = {
    "face": "A face archive (zip), or a picture (PNG, JPEG, WebP) with `landmarks`.",
    "voice": "A sample of 3 to 60 s (WAV, MP3, FLAC, OGG), or a voice as JSON.",
    "driving": "A motion: `avatar-motion/1` as JSON, or NPZ.",
    "background": "A picture (PNG, JPEG, WebP), which covers the frame.",
}
_QUERY = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "description": f"For a bare file: {text[0].lower()}{text[1:]}",
        "schema": {"type": "string"},
    }
    for name, text in _TEXTS.items()
]


def _body(kind: AssetKind) -> JsonObject:
    file = {"type": "string", "format": "binary", "description": _FILES[kind]}
    texts = {name: {"type": "string", "description": text} for name, text in _TEXTS.items()}
    form = {"type": "object", "required": ["file"], "properties": {"file": file, **texts}}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/octet-stream": {"schema": file},
        },
    }
