"""A socket's client that says nothing: there, busy, or gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect

from rtav import clock
from rtav.server import liveness
from rtav.server.doors import open_doors
from rtav.server.serving import serve
from rtav.settings import Settings

pytestmark = pytest.mark.real_time

STEP_S = 0.05
GONE_S = 10 * STEP_S
"""As many steps as in earnest."""

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT_X = b"\x81\x81\x00\x00\x00\x00x"


@dataclass
class App:
    """Sends `burst` bytes at once and reads until the client is gone."""

    burst: int = 0
    began: float = 0.0
    ended: float | None = None

    @property
    def app(self) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            ws = WebSocket(scope, receive, send)
            await ws.accept()
            self.began = clock.monotonic()
            async with asyncio.TaskGroup() as tasks:
                if self.burst:
                    tasks.create_task(self._send(ws))
                with contextlib.suppress(WebSocketDisconnect):
                    while True:
                        await ws.receive_text()
                self.ended = clock.monotonic()

        return answer

    async def _send(self, ws: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            for _ in range(self.burst >> 14):
                await ws.send_bytes(bytes(1 << 14))


def served(
    tmp_path, monkeypatch, visit: Callable[[int], Awaitable[None]], *, burst: int = 0
) -> App:
    monkeypatch.setattr(liveness, "STEP_S", STEP_S)
    app = App(burst)
    server = {"host": "127.0.0.1", "port": 0, "https_port": 0}
    doors = open_doors(Settings(state_dir=tmp_path, server=server))
    port = doors[0].listener.getsockname()[1]

    @contextlib.asynccontextmanager
    async def start():
        yield app

    async def visited() -> None:
        try:
            async with asyncio.timeout(20):
                await visit(port)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    async def whole() -> None:
        async with asyncio.TaskGroup() as group:
            await serve(doors, start, ready=lambda _: group.create_task(visited()))

    asyncio.run(whole())
    return app


async def shaken(port: int, *, takes: int | None = None) -> socket.socket:
    """A socket whose hands were shaken, and which then does nothing by itself."""
    client = socket.socket()
    if takes is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, HANDSHAKE)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += await loop.sock_recv(client, 1)
    return client


@pytest.mark.parametrize("burst", [0, 32 << 20])
def test_a_client_that_vanishes_is_gone_in_time_whatever_was_on_its_way(
    tmp_path, monkeypatch, burst
) -> None:
    async def visit(port: int) -> None:
        with await shaken(port, takes=4096):
            await asyncio.sleep(3 * GONE_S)

    app = served(tmp_path, monkeypatch, visit, burst=burst)

    assert app.ended is not None
    assert 0.9 * GONE_S <= app.ended - app.began <= 1.5 * GONE_S


def test_a_client_too_busy_to_answer_lives_by_what_it_sends(tmp_path, monkeypatch) -> None:
    async def visit(port: int) -> None:
        loop = asyncio.get_running_loop()
        with await shaken(port) as client:
            for _ in range(8):
                await asyncio.sleep(GONE_S / 2)
                await loop.sock_sendall(client, TEXT_X)

    app = served(tmp_path, monkeypatch, visit)

    assert app.ended is not None
    assert app.ended - app.began >= 4 * GONE_S


def test_a_client_that_only_answers_pings_lives(tmp_path, monkeypatch) -> None:
    async def visit(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/", ping_interval=None):
            await asyncio.sleep(4 * GONE_S)

    app = served(tmp_path, monkeypatch, visit)

    assert app.ended is not None
    assert app.ended - app.began >= 4 * GONE_S


def test_a_slow_line_that_still_takes_what_was_sent_lives(tmp_path, monkeypatch) -> None:
    async def visit(port: int) -> None:
        loop = asyncio.get_running_loop()
        with await shaken(port, takes=4096) as client:
            for _ in range(60):
                await asyncio.sleep(STEP_S)
                for _ in range(8):
                    await loop.sock_recv(client, 8192)

    app = served(tmp_path, monkeypatch, visit, burst=32 << 20)

    assert app.ended is not None
    assert app.ended - app.began >= 60 * STEP_S
