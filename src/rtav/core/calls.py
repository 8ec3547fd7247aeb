"""The tool calls of a reply: those that the client carries out, and those that a server does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtav.core.conversation import Item
from rtav.core.event import Event
from rtav.core.toolbox import Offer


@dataclass(slots=True)
class Call:
    """`offer`: the remote tool that is called; None if the client carries the call out."""

    item: Item
    output_index: int
    offer: Offer | None = None
    is_done: bool = False
    """Its arguments are complete, or will never be."""

    def grew(self, response_id: str, piece: str) -> Event:
        self.item.fields["arguments"] += piece
        if self.offer is not None:
            # agents-js reads no delta without `obfuscation`
            place = self._place(response_id) | {"delta": piece, "obfuscation": ""}
            return Event("response.mcp_call_arguments.delta", place)
        place = self._place(response_id) | self._named("call_id") | {"delta": piece}
        return Event("response.function_call_arguments.delta", place)

    def finished(self, response_id: str) -> Event:
        """Nothing is added to its arguments any more."""
        if self.offer is not None:
            place = self._place(response_id) | self._named("arguments")
            return Event("response.mcp_call_arguments.done", place)
        named = self._named("call_id", "name", "arguments")
        return Event("response.function_call_arguments.done", self._place(response_id) | named)

    def stands(self, how: str) -> Event:
        """How the server fares with it: `in_progress`, `completed` or `failed`."""
        place = {"item_id": self.item.id, "output_index": self.output_index}
        return Event(f"response.mcp_call.{how}", place)

    def _place(self, response_id: str) -> dict[str, Any]:
        return {
            "response_id": response_id,
            "item_id": self.item.id,
            "output_index": self.output_index,
        }

    def _named(self, *names: str) -> dict[str, Any]:
        return {name: self.item.fields[name] for name in names}
