"""Asks servers of tools by the Model Context Protocol: streamable HTTP, or the older SSE."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpcore2  # noqa: F401 - httpx2 would load it at the first connection, during a call
import httpx2
from mcp import Client, MCPError, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import ValidationError

from rtav.engines.mcp.guard import GuardedTransport, Refused
from rtav.engines.toolservers import Address, ToolInfo, ToolSession
from rtav.errors import ToolFailed

CONNECT_S = 10.0
"""For the connection and the greeting together."""

SILENCE_S = 300.0
"""The longest a stream of answers may be silent, as the protocol's own client has it."""

MAX_PAGES = 32
"""Of a listing: one that never ends has ended then."""

MAX_LISTED = 4096
"""Tools that are read of a server, before it is chosen among them."""

_NOT_STREAMABLE = (400, 404, 405)
"""What a server answers that knows only the older way, by the protocol's rules for clients."""

_IN_PLACE_OF_STATUS = ("Not Found", "Server returned an error response", "Session terminated")
"""What the package says of an HTTP status; the transport knows which it was."""

_ABOUT_US = types.Implementation(name="rtav", version="1")


class McpServers:
    """Shared by all calls; whatever belongs to a connection lives in what `connect` gives."""

    def __init__(self) -> None:
        self._trust = ssl.create_default_context()  # 20 ms: not for each connection

    def connect(self, address: Address) -> AbstractAsyncContextManager[ToolSession]:
        return _connected(address, self._trust)


class _McpSession:
    def __init__(self, client: Client, transport: GuardedTransport) -> None:
        self._client, self._transport = client, transport

    async def tools(self) -> Sequence[ToolInfo]:
        found: list[ToolInfo] = []
        cursor: str | None = None
        with _failing(self._transport):
            for _ in range(MAX_PAGES):
                page = await self._client.list_tools(cursor=cursor)
                found += map(_info, page.tools)
                cursor = page.next_cursor
                if cursor is None or len(found) >= MAX_LISTED:
                    break
        return found[:MAX_LISTED]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        request = types.CallToolRequest(
            params=types.CallToolRequestParams(name=name, arguments=dict(arguments))
        )
        with _failing(self._transport):
            # Not `Client.call_tool`: it judges the result by the schema that the server gave, and
            # a pattern in that can keep the event loop busy for ever.
            result = await self._client.session.send_request(request, types.CallToolResult)
        text = _text(result)
        if result.is_error:
            raise ToolFailed(text or "The tool failed.", kind="tool_execution_error")
        return text


@asynccontextmanager
async def _connected(address: Address, trust: ssl.SSLContext) -> AsyncIterator[ToolSession]:
    """By streamable HTTP, or by SSE if the server knows only that."""
    kinds = [_streamable, _sse]
    if urlsplit(address.url).path.rstrip("/").endswith("/sse"):
        kinds.reverse()
    first, second = kinds
    async with AsyncExitStack() as stack:
        try:
            session = await stack.enter_async_context(first(address, trust))
        except ToolFailed as error:
            if error.code not in _NOT_STREAMABLE:
                raise
            session = await stack.enter_async_context(second(address, trust))
        yield session


@asynccontextmanager
async def _streamable(address: Address, trust: ssl.SSLContext) -> AsyncIterator[ToolSession]:
    transport = _guarded(address, trust)
    timeout = httpx2.Timeout(CONNECT_S, read=SILENCE_S)
    http = httpx2.AsyncClient(transport=transport, headers=address.headers, timeout=timeout)
    async with http:
        way = streamable_http_client(address.url, http_client=http)
        client = Client(way, cache=None, client_info=_ABOUT_US)
        async with _entered(client, transport):
            yield _McpSession(client, transport)


@asynccontextmanager
async def _sse(address: Address, trust: ssl.SSLContext) -> AsyncIterator[ToolSession]:
    transport = _guarded(address, trust)

    def factory(
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=transport, headers=headers, timeout=timeout, auth=auth)

    way = sse_client(
        address.url,
        headers=dict(address.headers),
        timeout=CONNECT_S,
        sse_read_timeout=SILENCE_S,
        httpx_client_factory=factory,
    )
    client = Client(way, mode="legacy", cache=None, client_info=_ABOUT_US)
    async with _entered(client, transport):
        yield _McpSession(client, transport)


@asynccontextmanager
async def _entered(client: Client, transport: GuardedTransport) -> AsyncIterator[None]:
    """The client in its context, greeted in time. Whatever breaks it is told as ToolFailed."""
    with _failing(transport):
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(CONNECT_S):
                await stack.enter_async_context(client)
            yield


def _guarded(address: Address, trust: ssl.SSLContext) -> GuardedTransport:
    inner = httpx2.AsyncHTTPTransport(verify=trust)
    return GuardedTransport(inner, may_be_private=address.may_be_private)


# --- what goes wrong -------------------------------------------------------------------------


@contextmanager
def _failing(transport: GuardedTransport) -> Iterator[None]:
    """Raises ToolFailed for all that a server, its network or this package's code for it may do."""
    transport.status = 0
    try:
        yield
    except (
        MCPError,
        httpx2.HTTPError,
        httpx2.StreamError,
        ValidationError,
        TimeoutError,
        anyio.ClosedResourceError,
        anyio.BrokenResourceError,
        anyio.EndOfStream,
        ValueError,
        RuntimeError,
        ExceptionGroup,
    ) as error:
        raise _failure(_first(error), transport.status) from None


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _failure(error: Exception, status: int) -> ToolFailed:
    match error:
        case ToolFailed():
            return error
        case Refused():
            return ToolFailed(f"Refused: {error}.", kind="http_error", is_lost=True)
        case httpx2.HTTPStatusError():
            return _http_error(error.response.status_code)
        case TimeoutError() | httpx2.TimeoutException():
            message = "The server did not answer in time."
            return ToolFailed(message, kind="http_error", is_lost=True)
        case MCPError() if status and error.message in _IN_PLACE_OF_STATUS:
            return _http_error(status)
        case MCPError() if error.code == types.CONNECTION_CLOSED:
            message = "The connection to the server is lost."
            return ToolFailed(message, kind="protocol_error", code=error.code, is_lost=True)
        case MCPError():
            return ToolFailed(error.message, kind="protocol_error", code=error.code)
        case ValidationError():
            message = "The server's answer is not the protocol's."
            return ToolFailed(message, kind="protocol_error", code=types.PARSE_ERROR)
        case _:
            message = "The server cannot be reached."
            return ToolFailed(message, kind="http_error", code=status, is_lost=True)


def _http_error(status: int) -> ToolFailed:
    message = f"The server answered with HTTP status {status}."
    return ToolFailed(message, kind="http_error", code=status, is_lost=True)


# --- what servers say ------------------------------------------------------------------------


def _info(tool: types.Tool) -> ToolInfo:
    annotations = tool.annotations
    return ToolInfo(
        name=tool.name,
        description=tool.description or "",
        schema=tool.input_schema,
        annotations=None
        if annotations is None
        else annotations.model_dump(mode="json", by_alias=True, exclude_none=True),
    )


def _text(result: types.CallToolResult) -> str:
    """A result as a model reads it: its texts; what is neither that nor data is named."""
    parts = [*_texts(result.content)]
    if not parts and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(parts)


def _texts(content: Iterable[types.ContentBlock]) -> Iterator[str]:
    for block in content:
        match block:
            case types.TextContent():
                yield block.text
            case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
                yield resource.text
            case types.ResourceLink():
                yield f"[{block.name}: {block.uri}]"
            case _:
                yield f"[{block.type}, not shown]"
