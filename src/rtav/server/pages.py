"""The demo page and the pictures it shows: plain files, revalidated on every visit."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Router
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

import rtav

PACKAGE = Path(rtav.__file__).parent
WEB_DIR = PACKAGE / "web"
ASSETS_DIR = PACKAGE / "assets"


class _Files(StaticFiles):
    """Files with an ETag that a browser asks about every time: an update shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


class Pages:
    """Serves what no route has taken. A `/v1/` path that no route knows is not a file."""

    def __init__(self, router: Router, *, folder: Path = WEB_DIR) -> None:
        self._router = router
        self._files = _Files(directory=folder, html=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router.not_found(scope, receive, send)
        elif scope["path"].startswith("/v1/") or scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        else:
            await self._files(scope, receive, send)


def assets() -> StaticFiles:
    return _Files(directory=ASSETS_DIR)
