"""Calls that use remote tools, with servers of tools that do as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rtav.engines.toolservers import ToolInfo
from rtav.errors import ToolFailed
from rtav.runtime.call import Call
from rtav.testing.calls import ScriptedEngines, exchange
from rtav.testing.engines import HANG, ScriptedLlm, tool_call
from rtav.testing.peer import WEBSOCKET, FakePeer
from rtav.testing.tools import FORECAST, ScriptedToolServers
from rtav.testing.virtual import run

DOWN = ToolFailed("The server cannot be reached.", kind="http_error", is_lost=True)
CALL = tool_call("forecast", '{"city": "Bonn"}')
SERVER = {
    "type": "mcp",
    "server_label": "weather",
    "server_url": "https://weather.example/mcp",
    "authorization": "hush",
    "require_approval": "never",
}

Scene = Callable[[FakePeer, Call], Coroutine[Any, Any, None]]


def played(
    servers: ScriptedToolServers,
    scene: Scene,
    *,
    llm: ScriptedLlm | None = None,
    aloud: bool = False,
) -> FakePeer:
    """One call whose session names a server, by WebRTC if it is spoken, and a model that calls."""
    engines = ScriptedEngines(llm=llm or ScriptedLlm([*CALL], "Take a coat."))
    peer = FakePeer() if aloud else FakePeer(WEBSOCKET)
    modalities = ["audio" if aloud else "text"]

    async def main() -> None:
        async with exchange(engines, tools=servers) as office:
            call = office.take(peer, {"tools": [SERVER], "output_modalities": modalities})
            await asyncio.sleep(0)
            peer.open()
            await asyncio.sleep(0.1)
            await scene(peer, call)
            call.hang_up("test")

    run(main())
    assert servers.open == 0
    return peer


async def asks(peer: FakePeer, call: Call) -> None:
    peer.say({"type": "response.create"})
    await asyncio.sleep(0.1)


def the_call(peer: FakePeer) -> dict[str, Any]:
    """The call's item as it was when it was done."""
    items = [event["item"] for event in peer.got("conversation.item.done")]
    found: dict[str, Any] = next(item for item in items if item["type"] == "mcp_call")
    return found


def test_a_tool_is_listed_called_and_its_output_read() -> None:
    servers, llm = ScriptedToolServers("Rain."), ScriptedLlm([*CALL], "Take a coat.")

    async def scene(peer: FakePeer, call: Call) -> None:
        await asks(peer, call)
        await asks(peer, call)

    peer = played(servers, scene, llm=llm)

    assert servers.called == [("forecast", {"city": "Bonn"})]
    assert dict(servers.connected[0].headers) == {"authorization": "Bearer hush"}
    assert len(servers.connected) == 1
    assert [tool.name for tool in llm.requests[0].tools] == ["forecast"]
    assert llm.requests[1].messages[-1].text == "Rain."
    assert peer.got("response.output_text.done")[-1]["text"] == "Take a coat."


def test_a_client_that_is_there_at_once_has_its_servers_listed() -> None:
    servers, peer = ScriptedToolServers(), FakePeer(WEBSOCKET)

    async def main() -> None:
        async with exchange(tools=servers) as office:
            call = office.take(peer, {"tools": [SERVER]})
            peer.open()
            await asyncio.sleep(0.1)
            call.hang_up("test")

    run(main())
    assert len(peer.got("mcp_list_tools.completed")) == 1


def test_no_key_is_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        peer = played(ScriptedToolServers(DOWN), asks)
    assert "hush" not in caplog.text
    assert "hush" not in str(peer.events)


def test_a_server_that_is_down_fails_its_listing_and_the_call_goes_on() -> None:
    servers = ScriptedToolServers(connect=[DOWN])
    peer = played(servers, asks, llm=ScriptedLlm("Hello."))
    assert peer.types[1:4] == [
        "conversation.item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.failed",
    ]
    assert peer.got("response.done")[0]["response"]["status"] == "completed"


def test_a_server_that_says_nothing_is_waited_for_20_seconds() -> None:
    async def scene(peer: FakePeer, call: Call) -> None:
        await asyncio.sleep(19.8)
        assert not peer.got("mcp_list_tools.failed")
        await asyncio.sleep(0.2)

    peer = played(ScriptedToolServers(connect=[HANG]), scene)
    assert len(peer.got("mcp_list_tools.failed")) == 1


def test_a_tool_that_takes_too_long_has_failed() -> None:
    servers = ScriptedToolServers(HANG)

    async def scene(peer: FakePeer, call: Call) -> None:
        await asks(peer, call)
        await asyncio.sleep(60)

    peer = played(servers, scene)
    assert the_call(peer)["error"] == {
        "type": "tool_execution_error",
        "message": "The tool did not answer within 60 s.",
    }
    assert servers.abandoned == 1


def test_a_tool_that_fails_is_told_as_it_failed() -> None:
    failure = ToolFailed("Bad city", kind="protocol_error", code=-32602)
    peer = played(ScriptedToolServers(failure), asks)
    assert the_call(peer)["error"] == {
        "type": "protocol_error",
        "code": -32602,
        "message": "Bad city",
    }


def test_a_lost_connection_is_made_anew_for_the_next_call() -> None:
    servers = ScriptedToolServers(DOWN, "Rain.")
    llm = ScriptedLlm([*CALL], [*CALL], "Take a coat.")

    async def scene(peer: FakePeer, call: Call) -> None:
        await asks(peer, call)
        await asks(peer, call)

    peer = played(servers, scene, llm=llm)
    assert len(servers.connected) == 2
    outputs = [entry["item"].get("output") for entry in peer.got("response.output_item.done")]
    assert outputs == [None, "Rain."]


def test_a_server_that_forgot_the_session_is_asked_once_more() -> None:
    forgot = ToolFailed("HTTP 404", kind="http_error", code=404, is_lost=True)
    servers = ScriptedToolServers(forgot, "Rain.")
    peer = played(servers, asks)
    assert the_call(peer)["output"] == "Rain."
    assert (len(servers.called), len(servers.connected)) == (2, 2)

    servers = ScriptedToolServers(forgot)
    peer = played(servers, asks)
    assert the_call(peer)["error"]["code"] == 404
    assert len(servers.called) == 2


def test_parallel_calls_run_side_by_side() -> None:
    servers = ScriptedToolServers([1.0, "Rain."])
    llm = ScriptedLlm([*CALL, *tool_call("forecast", "{}", call_id="call_2", index=1)])

    async def scene(peer: FakePeer, call: Call) -> None:
        await asks(peer, call)
        await asyncio.sleep(1.0)
        assert len(peer.got("response.mcp_call.completed")) == 2

    played(servers, scene, llm=llm)
    assert len(servers.connected) == 1


def test_a_response_that_is_cut_abandons_the_tool() -> None:
    servers = ScriptedToolServers(HANG)

    async def scene(peer: FakePeer, call: Call) -> None:
        peer.say({"type": "response.create"})
        await peer.wait_for("output_audio_buffer.started")
        assert len(servers.called) == 1
        peer.say({"type": "response.cancel"})
        await asyncio.sleep(0.1)
        assert servers.abandoned == 1

    llm = ScriptedLlm(["One moment please, I am looking that up for you.", *CALL])
    peer = played(servers, scene, llm=llm, aloud=True)
    assert "abandoned" in the_call(peer)["error"]["message"]
    assert peer.types.index("response.mcp_call.failed") < peer.types.index("response.done")


def test_a_response_that_is_cancelled_before_its_call_is_complete_makes_none() -> None:
    servers = ScriptedToolServers(HANG)
    llm = ScriptedLlm(["One moment.", *CALL, HANG])

    async def scene(peer: FakePeer, call: Call) -> None:
        peer.say({"type": "response.create"})
        await asyncio.sleep(0.1)
        peer.say({"type": "response.cancel"})
        await asyncio.sleep(0.1)

    peer = played(servers, scene, llm=llm)
    assert servers.called == []
    assert the_call(peer)["error"]["type"] == "tool_execution_error"


def test_the_end_of_a_call_is_the_end_of_its_tools_and_connections() -> None:
    servers = ScriptedToolServers(HANG)

    async def scene(peer: FakePeer, call: Call) -> None:
        await asks(peer, call)
        assert (servers.open, len(servers.called)) == (1, 1)
        peer.vanish()

    played(servers, scene)
    assert (servers.open, servers.abandoned) == (0, 1)


def test_a_call_that_ends_while_a_server_is_connected_leaves_nothing() -> None:
    async def scene(peer: FakePeer, call: Call) -> None:
        peer.vanish()

    played(ScriptedToolServers(connect=[HANG]), scene)


def test_a_server_that_is_taken_away_is_disconnected() -> None:
    servers = ScriptedToolServers([HANG])

    async def scene(peer: FakePeer, call: Call) -> None:
        await asks(peer, call)
        assert servers.open == 1
        peer.say({"type": "session.update", "session": {"type": "realtime", "tools": []}})
        await asyncio.sleep(0.1)
        assert servers.open == 0

    peer = played(servers, scene)
    assert the_call(peer)["error"]["message"] == "The server is configured no more."


def test_a_server_that_is_taken_away_while_it_is_connected_is_let_go() -> None:
    servers = ScriptedToolServers(connect=[5.0])

    async def scene(peer: FakePeer, call: Call) -> None:
        peer.say({"type": "session.update", "session": {"type": "realtime", "tools": []}})
        await asyncio.sleep(6)
        assert servers.open == 0

    peer = played(servers, scene)
    assert len(peer.got("mcp_list_tools.failed")) == 1
    assert not peer.got("mcp_list_tools.completed")


def test_outputs_are_bounded() -> None:
    peer = played(ScriptedToolServers("x" * 70_000), asks)
    output = the_call(peer)["output"]
    assert output == "x" * 64_000 + "… (6000 more characters)"


def test_tools_that_are_left_out_are_counted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    many = [ToolInfo(name=f"t{number}") for number in range(200)]
    with caplog.at_level("WARNING"):
        peer = played(ScriptedToolServers(tools=many), asks, llm=ScriptedLlm("Hello."))
    assert "72 tools of weather.example are left out" in caplog.text
    listed = peer.got("conversation.item.done")[0]["item"]["tools"]
    assert len(listed) == 128


def test_a_server_without_tools_is_listed_empty() -> None:
    peer = played(ScriptedToolServers(tools=()), asks, llm=ScriptedLlm("Hello."))
    assert len(peer.got("mcp_list_tools.completed")) == 1
    assert FORECAST.name not in str(peer.events)
