"""A stand-in for a server with an OpenAI-compatible chat-completions endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

FOR_EVER = float("inf")

BREAK: Mapping[str, Any] = {}
"""A step: the server goes away in the middle of its reply."""

_DONE: Mapping[str, Any] = {"done": True}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error with its body."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)


Step = str | float | Mapping[str, Any]
"""A text delta, a pause in (real) seconds, or a whole chunk as it stands on the wire."""


Script = Sequence[Step] | Refusal | Callable[[Mapping[str, Any]], Sequence[Step]]
"""What a request is answered with; a function is given the request's body."""


class ModelServer:
    """Lists `models` and answers each request with the next script, the last one for ever.

    Listens on a free port of 127.0.0.1, in real time. Unrealistic: every answer closes its
    connection, no request is ever malformed, and nothing checks the key unless `key` is set.
    """

    def __init__(
        self,
        *scripts: Script,
        models: Sequence[str] = ("stub",),
        key: str | None = None,
        headers: str = "",
        listing: Mapping[str, Any] | None = None,
    ) -> None:
        """A script's reply is finished for it, with reason `stop`, unless one of its steps does or
        breaks it off. `headers` are sent with every answer, each ending in CR LF; `listing`
        replaces the reply of /models."""
        self._scripts: list[Script] = list(scripts) or [["Hello", " there."]]
        self._key = key
        self._headers = headers
        entries = [{"id": m, "object": "model", "owned_by": "stub", "created": 0} for m in models]
        self._listing = {"object": "list", "data": entries} if listing is None else listing
        self.requests: list[dict[str, Any]] = []
        """The bodies of the chat requests, in order."""
        self.paths: list[str] = []
        """Where they were posted."""
        self.hung_up = 0
        """How many clients left before their reply was complete."""
        self._streaming = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        await self.wait_idle()
        await self._server.wait_closed()

    async def wait_idle(self) -> None:
        """Until no request is being answered."""
        await self._idle.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streaming += 1
        self._idle.clear()
        try:
            await self._answer(reader, writer)
        except ConnectionError:
            self.hung_up += 1
        finally:
            writer.close()
            self._streaming -= 1
            if not self._streaming:
                self._idle.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return  # connected and asked nothing
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        if not self._is_key(fields):
            self._send(writer, 401, {"error": {"message": "bad key", "code": "invalid_api_key"}})
        elif head.startswith("GET"):
            self._send(writer, 200, self._listing)
        else:
            self.requests.append(json.loads(body))
            self.paths.append(head.split(" ")[1])
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            if isinstance(script, Refusal):
                self._send(writer, script.status, script.body)
            else:
                steps = script(self.requests[-1]) if callable(script) else script
                await self._stream(steps, reader, writer)
        await writer.drain()

    def _is_key(self, fields: Mapping[str, str]) -> bool:
        return self._key is None or fields.get("authorization") == f"bearer {self._key}".lower()

    def _send(self, writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any]) -> None:
        payload = json.dumps(body).encode()
        writer.write(self._head(status, "application/json", f"Content-Length: {len(payload)}\r\n"))
        writer.write(payload)

    def _head(self, status: int, kind: str, more: str = "") -> bytes:
        lines = f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        return f"{lines}{more}{self._headers}\r\n".encode()

    async def _stream(
        self, script: Sequence[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(self._head(200, "text/event-stream"))
        for step in self._whole(script):
            if step is BREAK:
                return
            if isinstance(step, float):
                await self._pause(step, reader)
                continue
            writer.write(self._written(step))
            await writer.drain()

    def _whole(self, script: Sequence[Step]) -> Sequence[Step]:
        """The script with what it left out."""
        is_finished = any(_finishes(step) for step in script)
        return [*script, *([] if is_finished else [chunk_of({}, finish="stop")]), _DONE]

    def _written(self, step: str | Mapping[str, Any]) -> bytes:
        if step is _DONE:
            return b"data: [DONE]\n\n"
        chunk = chunk_of({"content": step}) if isinstance(step, str) else step
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    async def _pause(self, pause_s: float, reader: asyncio.StreamReader) -> None:
        """Wait, and notice if the client leaves meanwhile."""
        try:
            async with asyncio.timeout(None if pause_s == FOR_EVER else pause_s):
                await reader.read(1)
        except TimeoutError:
            return
        raise ConnectionResetError("the client hung up")


def _finishes(step: Step) -> bool:
    choices = step.get("choices", ()) if isinstance(step, Mapping) else ()
    return any(choice["finish_reason"] for choice in choices)


def chunk_of(
    delta: Mapping[str, Any], *, finish: str | None = None, usage: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A chunk of a reply as it stands on the wire."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "stub",
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}],
        "usage": usage,
    }
