"""Edges of remote tools that take too long to write as a script."""

from typing import Any

from rtav.core import inputs as told
from rtav.core.common import Policy
from rtav.core.remote import MAX_KNOWN, MAX_OPEN
from rtav.testing.player import Player


def server(label: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "mcp",
        "server_label": label,
        "server_url": f"https://{label}.example/mcp",
        "require_approval": "never",
        **fields,
    }


def opened(*servers: dict[str, Any]) -> Player:
    player = Player()
    player.handle(told.PeerOpened(label="oai-events"))
    configure(player, *servers)
    for _ in servers:
        player.listed([{"name": "forecast"}])
    return player


def configure(player: Player, *servers: dict[str, Any]) -> None:
    session = {"type": "realtime", "tools": list(servers)}
    player.client({"type": "session.update", "session": session})


def called(player: Player, turn: int, *, calls: int = 1) -> None:
    for index in range(calls):
        player.handle(told.ReplyToolCall(turn=turn, index=index, name="forecast", arguments="{}"))
    player.handle(told.ReplyEnded(turn=turn))
    player.handle(told.SpokenAll(turn=turn))


def failure(player: Player) -> str:
    error = player.last("response.output_item.done")["item"]["error"]
    return str(error["message"])


def names(player: Player) -> list[str]:
    return [type(action).__name__ for action in player.actions]


def test_more_calls_than_may_be_open_fail_and_make_room_when_they_are_over() -> None:
    player = opened(server("a"))
    player.client({"type": "response.create"})
    called(player, 1, calls=MAX_OPEN + 1)
    assert names(player).count("CallTool") == MAX_OPEN
    assert failure(player) == f"{MAX_OPEN} calls are open already."

    player.answered("Rain.")
    player.client({"type": "response.create"})
    called(player, 2)
    assert names(player).count("CallTool") == MAX_OPEN + 1
    assert player.faults == []


def test_a_call_of_a_server_that_was_taken_away_meanwhile_is_not_made() -> None:
    player = opened(server("a"))
    player.client({"type": "response.create"})
    configure(player)
    called(player, 1)
    assert failure(player) == "The server is configured no more."
    assert "CallTool" not in names(player)
    assert player.faults == []


def test_servers_that_single_responses_named_are_forgotten_when_there_are_too_many() -> None:
    player = opened(server("a"))
    for number in range(MAX_KNOWN):
        tools = [server(f"s{number}")]
        player.client({"type": "response.create", "response": {"tools": tools}})
        player.listed([{"name": "forecast"}])
        player.client({"type": "response.cancel"})
    assert names(player).count("CloseServer") == 1
    closed = next(a for a in player.actions if type(a).__name__ == "CloseServer")
    assert closed.server.label == "s0"
    player.client({"type": "response.create"})
    assert player.asked["tools"] == ["forecast"]


def test_what_comes_of_a_call_that_is_over_changes_nothing() -> None:
    player = opened(server("a"))
    player.client({"type": "response.create"})
    called(player, 1)
    player.answered("Rain.")
    player.new_events()
    item = player.last("response.output_item.done")["item"]
    player.handle(told.ToolAnswered(call=item["id"], output="Snow."))
    player.handle(told.ToolBroke(call=item["id"], kind="tool_execution_error", message="Too late."))
    player.handle(told.ListingFailed(listing="mcpl_0"))
    assert player.new_events() == []


def test_a_server_that_a_response_has_used_is_listed_for_the_session_too() -> None:
    player = opened()
    tools = [server("a")]
    player.client({"type": "response.create", "response": {"tools": tools}})
    player.listed([{"name": "forecast"}])
    player.client({"type": "response.cancel"})
    player.new_events()
    configure(player, *tools)
    player.listed([{"name": "forecast"}])
    assert player.new_events() == [
        "session.updated",
        "conversation.item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "conversation.item.done",
    ]


def test_a_response_waits_for_all_servers_that_it_names_itself() -> None:
    player = opened()
    response = {"tools": [server("a"), server("b")], "audio": {"output": {"voice": "anthony"}}}
    player.client({"type": "response.create", "response": response})
    player.listed([{"name": "forecast"}])
    assert "Ask" not in names(player)
    player.unlisted()
    assert player.asked["tools"] == ["forecast"]


def test_the_face_s_own_tool_keeps_its_name() -> None:
    player = Player(policy=Policy(offers_motions=True))
    player.handle(told.PeerOpened(label="oai-events"))
    configure(player, server("a"))
    player.listed([{"name": "express"}])
    player.client({"type": "response.create"})
    assert player.asked["tools"] == ["a_express", "express"]
    player.handle(
        told.ReplyToolCall(turn=1, index=0, name="express", arguments='{"motion": "Wink"}')
    )
    player.handle(told.ReplyEnded(turn=1))
    assert "CallTool" not in names(player)
    assert "response.output_item.added" not in player.new_events()
