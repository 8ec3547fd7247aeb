"""What every request passes first: a body of bounded size, a path without doubled slashes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1 << 20  # an offer has some 10 KiB, a session with tools some 100 KiB

_SLASHES = re.compile("/{2,}")
_SLASHES_BYTES = re.compile(b"/{2,}")


class OneSlash:
    """Reads `/v1//realtime` as `/v1/realtime`, for HTTP and WebSocket.

    Clients whose base URL ends in a slash send the first form.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and "//" in scope["path"]:
            scope = {**scope, "path": _SLASHES.sub("/", scope["path"])}
            if scope.get("raw_path"):
                scope["raw_path"] = _SLASHES_BYTES.sub(b"/", scope["raw_path"])
        await self._app(scope, receive, send)


class RefusedSocket:
    """Returns to the server after a refused handshake has been sent: uvicorn would log an error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            await asyncio.sleep(0)


class BoundedBody:
    """Ends a request whose body is over `limit_bytes` with 413, before it is in memory.

    `uploads` are paths to which larger bodies are posted, and how large those may be.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit_bytes: int = MAX_BODY_BYTES,
        *,
        uploads: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._uploads = uploads or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0
        limit_bytes = self._uploads.get(scope["path"], self._limit_bytes)

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit_bytes:
                raise HTTPException(413, f"The body is over {limit_bytes} bytes")
            return message

        await self._app(scope, bounded, send)
