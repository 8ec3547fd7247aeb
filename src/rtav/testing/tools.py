"""Scripted servers of tools, and a real one to connect to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from rtav.engines.toolservers import Address, ToolInfo, ToolSession
from rtav.errors import ToolFailed
from rtav.testing.engines import pause

FORECAST = ToolInfo(
    name="forecast",
    description="Tomorrow's weather in a city",
    schema={"type": "object", "properties": {"city": {"type": "string"}}},
)

Answer = str | float | ToolFailed
"""What a tool says, a pause in seconds before that, or how it fails."""


class ScriptedToolServers:
    """Every server has these tools, and each call of any gets the next of the answers, the last one
    for ever. Unrealistic: nobody looks at arguments or keys, and all addresses lead to one server.
    """

    def __init__(
        self,
        *answers: Answer | Sequence[Answer],
        tools: Sequence[ToolInfo] | ToolFailed = (FORECAST,),
        connect: Sequence[float | ToolFailed] = (),
    ) -> None:
        """`connect` is what comes before each connection in turn; then they succeed at once."""
        self._answers = list(answers) or ["Rain."]
        self._tools = tools
        self._connect = list(connect)
        self.connected: list[Address] = []
        self.open = 0
        """Connections that are open."""
        self.called: list[tuple[str, Mapping[str, Any]]] = []
        self.abandoned = 0
        """Calls that nobody waited for to the end."""

    @contextlib.asynccontextmanager
    async def connect(self, address: Address) -> AsyncIterator[ToolSession]:
        self.connected.append(address)
        before = self._connect.pop(0) if self._connect else 0.0
        if isinstance(before, ToolFailed):
            raise before
        await pause(before)
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    async def tools(self) -> Sequence[ToolInfo]:
        if isinstance(self._tools, ToolFailed):
            raise self._tools
        return self._tools

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        self.called.append((name, arguments))
        script = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        steps = [script] if isinstance(script, str | float | ToolFailed) else script
        said = ""
        try:
            for step in steps:
                if isinstance(step, ToolFailed):
                    raise step
                if isinstance(step, float):
                    await pause(step)
                else:
                    said += step
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        return said


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """An app on a free port of 127.0.0.1, in real time and a thread of its own; gives
    `http://127.0.0.1:port`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), name="tool server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
