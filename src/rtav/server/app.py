"""The HTTP application: every route, the errors' one shape, and what stands before them."""

from __future__ import annotations

from importlib.metadata import version

from fastapi.responses import HTMLResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from rtav.server import answers, pages, reference
from rtav.server.document import DocumentedApi
from rtav.server.listing import ASSETS_PATH
from rtav.server.middleware import BoundedBody, OneSlash, RefusedSocket
from rtav.server.routes import (
    assets,
    calls,
    health,
    ice_servers,
    models,
    realtime,
    secrets,
    sessions,
    usage,
)
from rtav.server.services import Services

_ROUTERS = (
    secrets.router,
    calls.router,
    ice_servers.router,
    realtime.router,
    sessions.router,
    usage.router,
    assets.router,
    models.router,
    health.router,
)


def create_app(services: Services) -> ASGIApp:
    """The application that uvicorn serves. Needs no lifespan: `services` are already running."""
    return _guarded(_routed(services), services)


def _routed(services: Services) -> DocumentedApi:
    app = DocumentedApi(
        title="rtav",
        version=version("rtav"),
        description="Realtime conversations with a talking avatar. Send `Authorization: Bearer KEY`"
        " with every request but the lists and the health checks.",
        docs_url=None,
        redoc_url=None,
    )

    @app.get("/docs", include_in_schema=False)
    async def documented() -> HTMLResponse:
        return HTMLResponse(reference.page(app.openapi()))

    answers.install(app)
    for router in _ROUTERS:
        app.include_router(router(services))
    app.mount(ASSETS_PATH, pages.assets())
    app.router.default = pages.Pages(app.router)
    return app


def _guarded(app: ASGIApp, services: Services) -> ASGIApp:
    """CORS stands outside of everything, or a page could not read what went wrong."""
    return CORSMiddleware(
        RefusedSocket(OneSlash(BoundedBody(app, uploads=assets.body_limits(services)))),
        allow_origins=services.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],  # echoes what the page asks for: SDKs add headers of their own
        expose_headers=["X-Session-Id", "Location", "Retry-After"],
        allow_private_network=True,  # a public page may call a server on its user's own network
    )
