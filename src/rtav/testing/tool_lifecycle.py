"""Judges the order of the events of remote tools: what was listed and called is over once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]

STEPS: Mapping[tuple[str, str], str] = {
    ("added", "mcp_list_tools.in_progress"): "listing",
    ("listing", "mcp_list_tools.completed"): "over",
    ("listing", "mcp_list_tools.failed"): "over",
    ("added", "response.mcp_call_arguments.done"): "complete",
    ("complete", "response.mcp_call.in_progress"): "running",
    ("complete", "response.mcp_call.failed"): "over",
    ("running", "response.mcp_call.completed"): "over",
    ("running", "response.mcp_call.failed"): "over",
}
"""How a listing or a call goes on; it begins as `added` and is done when it is `over`."""

KINDS = frozenset(kind for _, kind in STEPS)
ITEMS = ("mcp_list_tools", "mcp_call")


class ToolLifeCycle:
    """Feed it every event of one connection in GA spelling, in order."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def feed(self, event: Event) -> list[str]:
        """What is out of order about this event."""
        kind, item = event["type"], event.get("item", {})
        if item.get("type") in ITEMS:
            return self._item(kind, item)
        if kind not in KINDS:
            return []
        item_id = event["item_id"]
        before = self._states.get(item_id, "unknown")
        after = STEPS.get((before, kind))
        self._states[item_id] = after or before
        return [] if after else [f"{kind} of {item_id}, which is {before}"]

    def _item(self, kind: str, item: Event) -> list[str]:
        item_id = item["id"]
        if kind.endswith(".added"):
            self._states.setdefault(item_id, "added")
            return []
        if not kind.endswith("item.done"):
            return []
        wrong = []
        if self._states.get(item_id) != "over":
            wrong.append(f"{kind} of {item_id} before it is over")
        if item["type"] == "mcp_call" and (item["output"] is None) == (item["error"] is None):
            wrong.append(f"{item_id} has an output or an error when it is done")
        return wrong
