from typing import Any

from rtav.core.servers import Filter, RemoteTool, Server
from rtav.core.toolbox import chosen, function, offers

A = Server(label="a", url="https://a.example")
B = Server(label="b b", url="https://b.example", description="The other.")


def tool(name: str, **fields: Any) -> RemoteTool:
    return RemoteTool(name=name, **fields)


def test_a_tool_keeps_its_name_if_nothing_else_has_it() -> None:
    assert list(offers([A], {A: (tool("x"),)}, taken=())) == ["x"]


def test_names_that_are_taken_get_the_label_before_them() -> None:
    listed = {A: (tool("x"), tool("y")), B: (tool("y"), tool("z"))}
    assert list(offers([A, B], listed, taken={"x"})) == ["a_x", "y", "b_b_y", "z"]


def test_names_that_no_model_takes_are_made_to_fit() -> None:
    long = "n" * 128
    listed = {A: (tool("a.b/c"), tool(long), tool(long[:-1]), tool("a.b.c"))}
    names = list(offers([A], listed, taken=()))
    assert names == ["a_b_c", "n" * 64, "a_" + "n" * 62, "a_a_b_c"]


def test_names_stay_different_whatever_the_servers_call_their_tools() -> None:
    listed = {A: (tool("x"), tool("a_x"))}
    assert list(offers([A], listed, taken={"x", "a_x"})) == ["a_x_2", "a_a_x"]


def test_a_server_that_has_not_answered_offers_nothing() -> None:
    assert offers([A], {}, taken=()) == {}


def test_a_model_is_told_what_the_server_is_for() -> None:
    offered = offers([B], {B: (tool("x", description="Does x."), tool("y"))}, taken=())
    assert function("x", offered["x"])["description"] == "Does x. (b b: The other.)"
    assert function("y", offered["y"])["description"] == "(b b: The other.)"


def test_thousands_of_tools_are_cut_to_what_a_session_uses() -> None:
    kept, left_out = chosen((tool(f"t{number}") for number in range(5000)), A)
    assert (len(kept), left_out) == (128, 4872)


def test_what_is_not_allowed_takes_no_place() -> None:
    only = Server(label="a", url="https://a.example", allowed=Filter(names=frozenset({"t4999"})))
    kept, left_out = chosen((tool(f"t{number}") for number in range(5000)), only)
    assert ([entry.name for entry in kept], left_out) == (["t4999"], 0)


def test_what_cannot_be_sent_on_is_left_out() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"properties": deep}
    bad = [
        tool(""),
        tool("n" * 129),
        tool("deep", schema=deep),
        tool("nan", schema={"type": "object", "default": float("nan")}),
        tool("half", description="\ud800"),
        tool("huge", description="x" * 200_000),
        tool("list", schema={"type": "array"}),
        tool("odd", schema={"type": "object", "properties": []}),
        tool("x"),
        tool("x"),
    ]
    kept, left_out = chosen(bad, A)
    assert ([entry.name for entry in kept], left_out) == (["x"], 9)
