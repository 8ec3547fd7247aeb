"""Runs an application behind its doors until a signal, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import Protocol, TypeVar

import uvicorn
from starlette.types import ASGIApp

from rtav.server.doors import Door
from rtav.server.liveness import LiveSocket


class Running(Protocol):
    """What was started: at least an application."""

    @property
    def app(self) -> ASGIApp: ...


R = TypeVar("R", bound=Running)

# An append of 15 MiB of audio, OpenAI's limit, grows by a third as base64.
MAX_MESSAGE_BYTES = 24 << 20
# Requests and sockets that are still open after this are cut: an exit takes a few seconds at most.
GRACE_S = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def _nothing(_: object) -> None:
    """Where nobody is connected for longer than a request."""


async def serve(
    doors: list[Door],
    start: Callable[[], AbstractAsyncContextManager[R]],
    *,
    ready: Callable[[R], None],
    farewell: Callable[[R], Awaitable[None]] = _nothing,
) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is called once every door answers.

    `start` starts what the application needs and ends it when the doors are shut; `farewell` is
    awaited before that. A second signal while it ends goes to the handler that was there before: it
    stops at once.
    """
    stopping = asyncio.Event()
    with contextlib.ExitStack() as shut:
        for door in doors:
            shut.callback(door.listener.close)
        with _signals(asyncio.get_running_loop(), stopping):
            async with start() as running:
                servers = [_Server(_config(running.app, door)) for door in doors]
                async with asyncio.TaskGroup() as group:
                    for server, door in zip(servers, doors, strict=True):
                        group.create_task(server.serve([door.listener]), name=door.url)
                    leave = functools.partial(farewell, running)
                    group.create_task(_stopped(servers, stopping, leave), name="until told to stop")
                    for server in servers:
                        await server.answers.wait()
                    ready(running)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: two servers share one process and one stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _stopped(
    servers: list[_Server], stopping: asyncio.Event, farewell: Callable[[], Awaitable[None]]
) -> None:
    await stopping.wait()
    await farewell()
    for server in servers:
        server.should_exit = True


def _config(app: ASGIApp, door: Door) -> uvicorn.Config:
    tls = door.certificate
    return uvicorn.Config(
        app,
        lifespan="off",  # what the application needs runs before it and ends after it
        log_config=None,
        log_level="warning",  # we say ourselves when the server is ready and when it stops
        access_log=False,
        server_header=False,
        ws=LiveSocket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # audio does not deflate, and the context costs memory
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=tls.cert if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> Iterator[None]:
    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, previous[signal.Signals(number)])
        loop.call_soon_threadsafe(stopping.set)

    previous = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
