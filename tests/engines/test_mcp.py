"""The protocol's own servers, asked over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from mcp import types
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from rtav.engines.mcp import client, guard
from rtav.engines.mcp.client import McpServers
from rtav.engines.mcp.guard import is_public
from rtav.engines.toolservers import Address, ToolInfo, ToolSession
from rtav.errors import ToolFailed
from rtav.testing.tools import serving

pytestmark = pytest.mark.real_time


def weather() -> MCPServer:
    server = MCPServer("weather", log_level="CRITICAL")

    @server.tool(
        description="Tomorrow's weather.", annotations=types.ToolAnnotations(read_only_hint=True)
    )
    async def forecast(city: str) -> str:
        return f"Rain in {city}."

    @server.tool()
    async def slow() -> str:
        await asyncio.sleep(30)
        return "late"

    @server.tool()
    async def broken() -> str:
        raise ValueError("No such city.")

    @server.tool(structured_output=False)
    async def pictures() -> list[Any]:
        return [
            types.TextContent(type="text", text="Look:"),
            types.ImageContent(type="image", data="AAAA", mime_type="image/png"),
        ]

    @server.tool()
    async def numbers() -> dict[str, int]:
        return {"degrees": 12}

    return server


def asked(
    app: ASGIApp,
    scene: Callable[[ToolSession], Awaitable[None]],
    path: str = "/mcp",
    **how: Any,
) -> None:
    async def main() -> None:
        with serving(app) as url:
            address = Address(url=url + path, **({"may_be_private": True} | how))
            async with McpServers().connect(address) as session:
                await scene(session)

    asyncio.run(main())


def failure(app: ASGIApp, path: str = "/mcp", **how: Any) -> ToolFailed:
    async def scene(session: ToolSession) -> None:
        raise AssertionError("it is connected")

    with pytest.raises(ToolFailed) as caught:
        asked(app, scene, path, **how)
    return caught.value


async def failed(work: Awaitable[str]) -> tuple[str, int, str]:
    with pytest.raises(ToolFailed) as caught:
        await work
    return caught.value.kind, caught.value.code, caught.value.message


async def everything(session: ToolSession) -> None:
    tools = {tool.name: tool for tool in await session.tools()}
    assert list(tools) == ["forecast", "slow", "broken", "pictures", "numbers"]
    found = tools["forecast"]
    assert found.description == "Tomorrow's weather."
    assert found.annotations == {"readOnlyHint": True}
    assert found.schema["required"] == ["city"]
    assert await session.call("forecast", {"city": "Bonn"}) == "Rain in Bonn."
    assert await session.call("pictures", {}) == "Look:\n[image, not shown]"
    assert '"degrees": 12' in await session.call("numbers", {})
    kind, code, message = await failed(session.call("broken", {}))
    assert (kind, code) == ("tool_execution_error", 0)
    assert "broken" in message


def test_streamable_http_is_spoken() -> None:
    asked(weather().streamable_http_app(), everything)


def test_sse_is_spoken_where_the_path_says_so() -> None:
    asked(weather().sse_app(), everything, "/sse")


def test_sse_is_spoken_where_a_server_has_nothing_else() -> None:
    asked(weather().sse_app(sse_path="/mcp"), everything)


def test_streamable_http_is_spoken_at_a_path_that_looks_like_sse() -> None:
    asked(weather().streamable_http_app(streamable_http_path="/v1/sse"), everything, "/v1/sse")


def test_keys_go_along_with_every_request() -> None:
    seen: list[str] = []
    inner = weather().streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            seen.append(headers.get(b"authorization", b"").decode())
            assert headers[b"host"].startswith(b"127.0.0.1:")
        await inner(scope, receive, send)

    async def scene(session: ToolSession) -> None:
        await session.call("forecast", {"city": "Bonn"})

    asked(app, scene, headers={"authorization": "Bearer t"})
    assert len(seen) >= 2
    assert set(seen) == {"Bearer t"}


def test_a_call_may_be_abandoned_and_the_next_is_answered() -> None:
    async def scene(session: ToolSession) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await session.call("slow", {})
        assert await session.call("forecast", {"city": "Bonn"}) == "Rain in Bonn."

    asked(weather().streamable_http_app(), scene)


def test_calls_run_side_by_side() -> None:
    server = MCPServer("gate", log_level="CRITICAL")
    both = asyncio.Barrier(2)

    @server.tool()
    async def meet() -> str:
        await both.wait()
        return "met"

    async def scene(session: ToolSession) -> None:
        async with asyncio.timeout(5):
            found = await asyncio.gather(session.call("meet", {}), session.call("meet", {}))
        assert found == ["met", "met"]

    asked(server.streamable_http_app(), scene)


def route(answer: Callable[[Request], Awaitable[Response]]) -> Starlette:
    methods = ["GET", "POST", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", answer, methods=methods)])


def test_a_refusal_is_told_with_its_status() -> None:
    async def refuses(request: Request) -> Response:
        return PlainTextResponse("who are you", status_code=401)

    error = failure(route(refuses))
    assert (error.kind, error.code, error.is_lost) == ("http_error", 401, True)
    assert error.message == "The server answered with HTTP status 401."


def test_what_is_no_server_of_tools_is_told() -> None:
    async def page(request: Request) -> Response:
        return PlainTextResponse("<html>", media_type="text/html")

    assert failure(route(page)).kind == "protocol_error"

    async def nonsense(request: Request) -> Response:
        return JSONResponse({"hello": 1})

    assert failure(route(nonsense)).kind == "protocol_error"


def bare(**answers: Any) -> Starlette:
    """A server of which each method is answered as it stands: a result, an error or a response."""
    greeting = {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "bare", "version": "1"},
    }
    known = {"initialize": greeting, **answers}

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        asked = await request.json()
        if "id" not in asked:
            return Response(status_code=202)
        said = known.get(asked["method"].replace("/", "_"))
        if isinstance(said, Response):
            return said
        if said is None:
            body: dict[str, Any] = {"error": {"code": -32601, "message": "No such method"}}
        else:
            body = said if "error" in said else {"result": said}
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], **body})

    return route(answer)


def test_errors_of_the_protocol_are_told_with_their_code() -> None:
    async def scene(session: ToolSession) -> None:
        assert await failed(session.call("x", {})) == ("protocol_error", -32602, "Bad city")
        with pytest.raises(ToolFailed, match="No such method"):
            await session.tools()

    asked(bare(tools_call={"error": {"code": -32602, "message": "Bad city"}}), scene)


def test_a_status_in_the_place_of_an_answer_is_told() -> None:
    async def scene(session: ToolSession) -> None:
        kind, code, _ = await failed(session.call("x", {}))
        assert (kind, code) == ("http_error", 503)

    asked(bare(tools_call=PlainTextResponse("busy", status_code=503)), scene)


def test_an_answer_that_is_none_of_the_protocol_is_told() -> None:
    async def scene(session: ToolSession) -> None:
        kind, code, message = await failed(session.call("x", {}))
        assert (kind, code) == ("protocol_error", -32700)
        assert message == "The server's answer is not the protocol's."

    asked(bare(tools_call={"content": "no list"}), scene)


def test_one_tool_that_is_none_fails_the_listing() -> None:
    async def scene(session: ToolSession) -> None:
        with pytest.raises(ToolFailed, match="not the protocol's"):
            await session.tools()

    asked(bare(tools_list={"tools": [{"name": "x", "inputSchema": "none"}]}), scene)


def test_a_result_is_read_as_text() -> None:
    content = [
        {"type": "text", "text": "a"},
        {"type": "resource", "resource": {"uri": "x://y", "text": "b"}},
        {"type": "resource", "resource": {"uri": "x://z", "blob": "AAAA"}},
        {"type": "resource_link", "name": "c", "uri": "https://c.example/"},
        {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
    ]

    async def scene(session: ToolSession) -> None:
        text = await session.call("x", {})
        assert text.splitlines() == [
            "a",
            "b",
            "[resource, not shown]",
            "[c: https://c.example/]",
            "[audio, not shown]",
        ]

    asked(bare(tools_call={"content": content}), scene)


def test_a_result_without_text_is_its_data_and_a_failure_without_text_says_so() -> None:
    async def numbers(session: ToolSession) -> None:
        assert await session.call("x", {}) == '{"degrees": 12}'

    asked(bare(tools_call={"content": [], "structuredContent": {"degrees": 12}}), numbers)

    async def silent(session: ToolSession) -> None:
        kind, _, message = await failed(session.call("x", {}))
        assert (kind, message) == ("tool_execution_error", "The tool failed.")

    asked(bare(tools_call={"content": [], "isError": True}), silent)


def test_a_server_that_goes_away_during_a_call_is_lost() -> None:
    async def main() -> None:
        stop = serving(weather().streamable_http_app())
        address = Address(url=f"{stop.__enter__()}/mcp", may_be_private=True)
        with contextlib.suppress(ToolFailed):
            async with McpServers().connect(address) as session:
                calling = asyncio.ensure_future(session.call("slow", {}))  # noqa: TID251 - a test
                await asyncio.sleep(0.2)
                await asyncio.to_thread(stop.__exit__, None, None, None)
                async with asyncio.timeout(5):
                    with pytest.raises(ToolFailed):
                        await calling
                with pytest.raises(ToolFailed) as caught:
                    await session.call("forecast", {"city": "Bonn"})
                assert caught.value.is_lost

    asyncio.run(main())


def test_a_redirect_to_another_host_is_not_followed() -> None:
    async def elsewhere(request: Request) -> Response:
        return RedirectResponse("http://localhost:1/mcp", status_code=307)

    assert failure(route(elsewhere)).kind in ("protocol_error", "http_error")


def test_an_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_BODY_BYTES", 10_000)

    async def floods(request: Request) -> Response:
        return PlainTextResponse("[" * 1_000_000, media_type="application/json")

    assert failure(route(floods)).is_lost


def test_each_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def addresses(self: guard.GuardedTransport, host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    async def scene(session: ToolSession) -> None:
        assert await session.call("forecast", {"city": "Bonn"}) == "Rain in Bonn."

    monkeypatch.setattr(guard.GuardedTransport, "_addresses", addresses)
    asked(weather().streamable_http_app(), scene)


def test_a_compressed_answer_is_refused() -> None:
    async def packed(request: Request) -> Response:
        return Response(b"x", headers={"content-encoding": "gzip"}, media_type="application/json")

    assert "compressed" in failure(route(packed)).message


def test_a_listing_without_an_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_PAGES", 3)
    pages = 0

    class Endless:
        async def list_tools(self, *, cursor: str | None) -> types.ListToolsResult:
            nonlocal pages
            pages += 1
            tool = types.Tool(name=f"t{pages}", input_schema={"type": "object"})
            return types.ListToolsResult(tools=[tool], next_cursor="more")

    transport = guard.GuardedTransport(httpx2.AsyncHTTPTransport(), may_be_private=False)
    session = client._McpSession(Endless(), transport)
    found = asyncio.run(session.tools())
    assert [tool.name for tool in found] == ["t1", "t2", "t3"]
    assert isinstance(found[0], ToolInfo)


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECT_S", 0.2)

    async def main() -> None:
        async with listening() as port:
            address = Address(url=f"http://127.0.0.1:{port}/mcp", may_be_private=True)
            with pytest.raises(ToolFailed, match="in time"):
                async with McpServers().connect(address):
                    pass

    asyncio.run(main())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/mcp",
        "http://localhost:{port}/mcp",
        "http://2130706433:{port}/mcp",
        "http://0x7f.1:{port}/mcp",
        "http://[::ffff:127.0.0.1]:{port}/mcp",
    ],
)
def test_a_private_address_is_not_connected_to_however_it_is_written(url: str) -> None:
    async def main() -> None:
        async with listening() as port:
            with pytest.raises(ToolFailed):
                async with McpServers().connect(Address(url=url.format(port=port))):
                    pass

    asyncio.run(main())


def test_a_name_that_nobody_has_is_told() -> None:
    async def main() -> None:
        with pytest.raises(ToolFailed) as caught:
            async with McpServers().connect(Address(url="https://nobody.invalid/mcp")):
                pass
        assert caught.value.message == "The server cannot be reached."

    asyncio.run(main())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:0a00:0001::1", False),
    ],
)
def test_public_is_what_concerns_nobody(address: str, public: bool) -> None:
    assert is_public(address) is public
