"""Puts the server together: engines, transport, supervisor, routes; started and closed in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from starlette.types import ASGIApp

from rtav import clock
from rtav.core.dialect import Dialect
from rtav.core.hosts import Hosts
from rtav.engines.mcp.client import McpServers
from rtav.runtime.fitting import FaceSettings
from rtav.runtime.remote_tools import Tools
from rtav.runtime.stage import Stage, Threads
from rtav.runtime.supervisor import Rules, Supervisor
from rtav.server.access import Access
from rtav.server.admission import Admission
from rtav.server.allowance import Allowance
from rtav.server.app import create_app
from rtav.server.books import opened_books
from rtav.server.ephemeral import Sealer, given_secrets, kept_secret
from rtav.server.ice_servers import IceServers
from rtav.server.listing import Listing
from rtav.server.models import AliasedLlm, strict_models
from rtav.server.selection import Engines, select
from rtav.server.services import Services
from rtav.server.uploads.opening import max_bytes, opened_library
from rtav.server.uploads.voices import AdoptedVoices
from rtav.server.voices import aliases
from rtav.settings import Settings
from rtav.transports.webrtc.settings import IceSettings
from rtav.transports.webrtc.webrtc import WebRtc
from rtav.transports.websocket.sockets import WebSockets

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """A server that is ready to be asked."""

    app: ASGIApp
    engines: Engines
    llm_at: str | None
    """Base URL of the language model; None: it needs none."""
    farewell: Callable[[], Awaitable[None]]
    """Says goodbye to who is connected by the doors; they are shut after it."""


@contextlib.asynccontextmanager
async def compose(
    settings: Settings, *, api_key: str, own_ports: Collection[int]
) -> AsyncIterator[Composition]:
    """Start everything; on the way out end the calls, then close the engines.

    `own_ports` are where this server itself answers: it is not its own language model.
    Raises ConfigError and EngineUnavailable before anything is left running.
    """
    selection = await select(settings, own_ports=own_ports)
    voices = AdoptedVoices(selection.engines.tts)
    engines = replace(selection.engines, tts=voices)
    if settings.models.aliases:
        engines = replace(engines, llm=AliasedLlm(engines.llm, settings.models.aliases))
    sealer = Sealer(_secrets(settings))

    def hang_up(call_id: str) -> None:
        if (call := supervisor.find(call_id)) is not None:
            call.hang_up("hangup")

    async with contextlib.AsyncExitStack() as stack:
        # the first to be opened: it has the ends of all calls to write
        books = await stack.enter_async_context(
            opened_books(settings, api_key=api_key, hang_up=hang_up)
        )
        sessions = books.sessions
        await _start(engines, stack)
        webrtc = WebRtc(ice_settings(settings))
        stack.push_async_callback(webrtc.close)
        await webrtc.start()
        sockets = WebSockets()
        stage = Stage(Threads.start())
        stack.push_async_callback(asyncio.to_thread, stage.close)
        supervisor = await stack.enter_async_context(
            Supervisor(
                engines,
                _rules(settings, engines),
                stage,
                tools=_tools(settings),
                on_ended=sessions.ended,
            )
        )
        library = await stack.enter_async_context(
            opened_library(
                settings,
                table=books.assets,
                avatar=engines.avatar,
                voices=voices,
                offer=supervisor.offer,
            )
        )
        services = Services(
            access=Access(
                keys=books.keys,
                sealer=sealer,
                unix=clock.unix,
                reload=books.reader.reload,
                used=books.reader.used,
                mark_spent=books.spend,
                configurations=books.secrets,
            ),
            admission=Admission(
                max_calls=settings.limits.max_calls,
                active=lambda: supervisor.calls + sessions.waiting,
            ),
            allowance=Allowance(active_of=sessions.active_of, now=clock.monotonic),
            sessions=sessions,
            supervisor=supervisor,
            webrtc=webrtc,
            sockets=sockets,
            listing=Listing.of(
                avatar=engines.avatar,
                tts=engines.tts,
                llm=engines.llm,
                created=int(clock.unix()),
                strict=settings.models.strict,
            ),
            library=library,
            max_bytes=max_bytes(settings),
            unix=clock.unix,
            ice_servers=IceServers.of(settings.ice),
            cors_origins=settings.server.cors_origins,
        )
        yield Composition(
            app=create_app(services),
            engines=engines,
            llm_at=selection.llm_at,
            farewell=sockets.close,
        )
        logger.info("stopping: %d calls are ended", supervisor.calls)


def _rules(settings: Settings, engines: Engines) -> Rules:
    video = settings.video
    return Rules(
        call_s=settings.limits.call_minutes * 60,
        default_dialect=Dialect(settings.dialect.default),
        offers_motions=engines.llm.capabilities.name == "demo",
        context_tokens=settings.llm.context_tokens,
        face=FaceSettings(size_px=video.size_px, fps=video.fps, bitrate=video.bitrate),
        voice_aliases=aliases(engines.tts.voices()),
        models=strict_models(engines.llm) if settings.models.strict else None,
        prompts=settings.prompts,
    )


def _tools(settings: Settings) -> Tools:
    hosts = Hosts(settings.mcp.allowed_hosts)
    return Tools(servers=McpServers(), hosts=hosts, call_s=settings.mcp.call_s)


async def _start(engines: Engines, stack: contextlib.AsyncExitStack) -> None:
    for kind, engine in engines.in_order():
        # before start: an engine that fails halfway has processes to end, too
        stack.push_async_callback(engine.close)
        await engine.start()
        logger.info("%s: %s", kind, engine.capabilities.name)


def ice_settings(settings: Settings) -> IceSettings:
    """What the operator said about media, as the transport takes it."""
    return IceSettings(
        bind=settings.ice.bind,
        public=settings.ice.public,
        udp_port=settings.ice.udp_port,
        port_range=settings.ice.port_range,
        setup_timeout_s=settings.limits.setup_s,
    )


def _secrets(settings: Settings) -> list[str]:
    if settings.secret is not None:
        return given_secrets(settings.secret.get_secret_value())
    return [kept_secret(settings.state_dir)]
