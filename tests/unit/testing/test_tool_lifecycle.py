from typing import Any

import pytest

from rtav.testing.tool_lifecycle import ToolLifeCycle

Event = dict[str, Any]


def item(kind: str, of: str, **fields: Any) -> Event:
    return {"type": kind, "item": {"id": "i", "type": of, "output": None, "error": None, **fields}}


def step(kind: str) -> Event:
    return {"type": kind, "item_id": "i"}


LISTED = [
    item("conversation.item.added", "mcp_list_tools"),
    step("mcp_list_tools.in_progress"),
    step("mcp_list_tools.completed"),
    item("conversation.item.done", "mcp_list_tools"),
]
CALLED = [
    item("response.output_item.added", "mcp_call"),
    item("conversation.item.added", "mcp_call"),
    step("response.mcp_call_arguments.delta"),
    step("response.mcp_call_arguments.done"),
    step("response.mcp_call.in_progress"),
    step("response.mcp_call.completed"),
    item("response.output_item.done", "mcp_call", output="Rain."),
    item("conversation.item.done", "mcp_call", output="Rain."),
]


def faults(events: list[Event]) -> list[str]:
    life = ToolLifeCycle()
    return [fault for event in events for fault in life.feed(event)]


@pytest.mark.parametrize("events", [LISTED, CALLED], ids=["listed", "called"])
def test_what_is_in_order_is_right(events: list[Event]) -> None:
    assert faults(events) == []


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_listing_without_one_of_its_steps_is_wrong(missing: int) -> None:
    assert faults(LISTED[:missing] + LISTED[missing + 1 :])


@pytest.mark.parametrize("missing", [3, 4, 5])
def test_a_call_without_one_of_its_steps_is_wrong(missing: int) -> None:
    assert faults(CALLED[:missing] + CALLED[missing + 1 :])


@pytest.mark.parametrize("twice", [3, 4, 5])
def test_a_step_is_taken_once(twice: int) -> None:
    assert faults(CALLED[: twice + 1] + CALLED[twice:])


def test_a_call_ends_with_an_output_or_an_error() -> None:
    neither = item("conversation.item.done", "mcp_call")
    both = item("conversation.item.done", "mcp_call", output="Rain.", error={})
    assert faults([*CALLED[:-1], neither]) == ["i has an output or an error when it is done"]
    assert faults([*CALLED[:-1], both]) == ["i has an output or an error when it is done"]
