"""The items of a conversation, in order, and the history a model is given of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from rtav.core.inputs import SpokenWord
from rtav.core.outputs import Line, Picture
from rtav.errors import ProtocolError
from rtav.protocol import items as wire

ROOT = "root"
"""As `previous_item_id`: before everything."""

MAX_ITEMS = 2000
"""A call of an hour makes some hundreds."""

MAX_CHARACTERS = 16_000_000
"""Of text, and of pictures as they are written on the wire."""

ITEM_BYTES, WORD_BYTES = 600, 190
"""What an item and a spoken word take in memory, an item's text left out (tracemalloc)."""

MAX_SHOWN = 32_768
"""Characters of a picture's URL that a client is shown again when its item is created."""

INAUDIBLE = "(inaudible)"
"""What a model reads where the caller spoke and no word was understood."""

SILENT = "(silence)"
"""What a model reads where the caller said nothing for so long that an answer is due."""


@dataclass(slots=True, eq=False)
class Item:
    """One item, itself and no other. `content` and `fields` are as they go over the wire."""

    id: str
    type: Literal[
        "message",
        "function_call",
        "function_call_output",
        "mcp_list_tools",
        "mcp_call",
        "mcp_approval_request",
        "mcp_approval_response",
    ]
    role: Literal["user", "system", "assistant", ""] = ""
    content: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    status: Literal["in_progress", "completed", "incomplete"] = "completed"
    words: list[SpokenWord] = field(default_factory=list)
    """Of an item that was spoken: where its words are in its audio."""
    audio_sent: int = 0
    """How much of it the client got, heard or not; samples."""
    audio_end: int = 0
    """How much of it counts as heard, at most; samples."""
    is_forgotten: bool = False
    """The model does not read it any more: the conversation has become too long."""
    call_name: str = ""
    """Of a remote tool's call: how the model knows the tool."""
    is_called: bool = False
    """Of the same: its arguments are complete. It is in progress until it is over."""

    def cut(self, upto: int) -> int:
        """Keep of a spoken item what was said before sample `upto`; returns where it ends now."""
        self.audio_end = min(self.audio_end, upto)
        self.suppose(self.audio_end)
        return self.audio_end

    def suppose(self, heard: int) -> None:
        """Keep the words that end before sample `heard`; the client may still say that it was
        another one, up to `audio_end`."""
        words = (word.text for word in self.words if word.end <= min(heard, self.audio_end))
        self.content[0]["transcript"] = "".join(words)

    @property
    def characters(self) -> int:
        values = [value for part in self.content for value in part.values()]
        return sum(len(v) for v in (*values, *self.fields.values()) if isinstance(v, str))

    def in_brief(self) -> dict[str, Any]:
        """As `as_json`, without pictures so large that a data channel might not carry them back."""
        shown = self.as_json()
        for part in shown.get("content", ()):
            if len(part.get("image_url", "")) > MAX_SHOWN:
                del part["image_url"]
        return shown

    def as_json(self) -> dict[str, Any]:
        if self.type.startswith("mcp_"):  # they have no status, and SDKs know none of them
            return {"id": self.id, "type": self.type} | self.fields
        out: dict[str, Any] = {
            "id": self.id,
            "object": "realtime.item",
            "type": self.type,
            "status": self.status,
        }
        if self.type == "message":
            out |= {"role": self.role, "content": [dict(part) for part in self.content]}
        return out | self.fields

    def lines(self) -> Iterator[Line]:
        match self.type:
            case "function_call" if self.status == "incomplete":
                return  # half a call: its arguments are no JSON, and nobody carries it out
            case "function_call":
                yield Line(
                    role="assistant",
                    text=self.fields["arguments"],
                    call_id=self.fields["call_id"],
                    call_name=self.fields["name"],
                )
            case "function_call_output":
                yield Line(role="tool", text=self.fields["output"], call_id=self.fields["call_id"])
            case "mcp_call":
                yield from self._remote_call()
            case "message":
                yield from self._message()
            case _:
                return  # what servers have and who approved what is nothing that a model reads

    def _remote_call(self) -> Iterator[Line]:
        if not self.is_called:
            return  # half a call, as above
        arguments, output, error = (self.fields[n] for n in ("arguments", "output", "error"))
        yield Line(role="assistant", text=arguments, call_id=self.id, call_name=self.call_name)
        if output is not None or error is not None:
            text = f"Error: {error['message']}" if error else output
            yield Line(role="tool", text=text, call_id=self.id)

    def _message(self) -> Iterator[Line]:
        said = (part.get("text") or part.get("transcript") for part in self.content)
        text = " ".join(words.strip() for words in said if words)
        images = tuple(
            Picture(part["image_url"], part["detail"])
            for part in self.content
            if part["type"] == "input_image"
        )
        heard = [part["transcript"] for part in self.content if part["type"] == "input_audio"]
        if self.role == "user" and heard and not text:
            text = INAUDIBLE if None in heard else SILENT
        if text or images:
            assert self.role != ""
            yield Line(role=self.role, text=text, images=images)


class Conversation:
    """Items by order and by id."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._by_id: dict[str, Item] = {}
        self._given: dict[str, int] = {}
        """Characters of the items that the client brought."""
        self._characters = 0

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    @property
    def last(self) -> Item | None:
        return self._items[-1] if self._items else None

    @property
    def last_id(self) -> str | None:
        return self._items[-1].id if self._items else None

    def find(self, item_id: str) -> Item | None:
        return self._by_id.get(item_id)

    def excess(self, item: Item) -> tuple[int, int]:
        """How many items, and characters of what the client brought, are too many for this one."""
        characters = self._characters + item.characters
        return len(self._items) + 1 - MAX_ITEMS, characters - MAX_CHARACTERS

    def brought(self, item: Item) -> int:
        """Characters that leave with an item if the client brought it; else 0."""
        return self._given.get(item.id, 0)

    def give(self, item: Item, *, after: str | None = None) -> str | None:
        """`add` for what a client brings. Raises ProtocolError also if it brings too much."""
        if max(self.excess(item)) > 0:
            raise ProtocolError(
                f"Error adding item: a conversation holds {MAX_ITEMS} items and {MAX_CHARACTERS} "
                "characters. Delete what is no longer needed.",
                code="conversation_full",
                param="item",
            )
        previous = self.add(item, after=after)
        self._given[item.id] = item.characters
        self._characters += item.characters
        return previous

    def add(self, item: Item, *, after: str | None = None) -> str | None:
        """Put an item in, at the end or after another; returns the id of the one before it.

        Raises ProtocolError if the id is taken or there is no item `after`.
        """
        index = self.place_for(item, after=after)
        self._items.insert(index, item)
        self._by_id[item.id] = item
        return self._items[index - 1].id if index else None

    def place_for(self, item: Item, *, after: str | None) -> int:
        """Where `add` would put it; raises as that does."""
        if self.find(item.id):
            raise ProtocolError(
                f"Error adding item: an item with id '{item.id}' already exists.",
                code="item_create_duplicate_item_id",
                param="item.id",
            )
        if after is None:
            return len(self._items)
        if after == ROOT:
            return 0
        found = self.find(after)
        if found is None:
            raise ProtocolError(
                f"Error adding item: there is no item '{after}'.",
                code="invalid_value",
                param="previous_item_id",
            )
        return self._items.index(found) + 1

    def remove(self, item: Item) -> None:
        self._items.remove(item)
        del self._by_id[item.id]
        self._characters -= self._given.pop(item.id, 0)

    def close(self) -> None:
        """Nobody finishes any more what is not finished."""
        for item in self._items:
            if item.status == "in_progress":
                item.status = "incomplete"

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        words = sum(len(item.words) for item in self._items)
        characters = sum(item.characters for item in self._items)
        return characters + words * WORD_BYTES + len(self._items) * ITEM_BYTES


def read(given: wire.Item, *, new_id: str, call_id: str) -> Item:
    """A client's item as ours; `new_id` and `call_id` are used where it brings none.

    An assistant's `input_text` becomes `output_text`: strict clients know no other.
    """
    item_id = given.id or new_id
    match given:
        case wire.UserMessage():
            content = [_user_part(part) for part in given.content]
            return Item(id=item_id, type="message", role="user", content=content)
        case wire.SystemMessage():
            content = [{"type": "input_text", "text": part.text} for part in given.content]
            return Item(id=item_id, type="message", role="system", content=content)
        case wire.AssistantMessage():
            content = [_assistant_part(part) for part in given.content]
            return Item(id=item_id, type="message", role="assistant", content=content)
        case wire.FunctionCall():
            fields = {
                "call_id": given.call_id or call_id,
                "name": given.name,
                "arguments": given.arguments,
            }
            return Item(id=item_id, type="function_call", fields=fields)
        case _:
            fields = {"call_id": given.call_id, "output": given.output}
            return Item(id=item_id, type="function_call_output", fields=fields)


def spoken_text(given: wire.Item) -> str | None:
    """The text of an assistant's item that is to be spoken, cues and all; None for any other."""
    if not isinstance(given, wire.AssistantMessage):
        return None
    parts = [part.text for part in given.content if isinstance(part, wire.InputText)]
    return " ".join(parts) if parts else None


def _user_part(part: wire.UserContent) -> dict[str, Any]:
    match part:
        case wire.InputText():
            return {"type": "input_text", "text": part.text}
        case wire.InputAudio():
            return {"type": "input_audio", "transcript": part.transcript}
        case _:
            return {
                "type": "input_image",
                "image_url": part.image_url,
                "detail": part.detail or "auto",
            }


def _assistant_part(part: wire.AssistantContent) -> dict[str, Any]:
    if isinstance(part, wire.OutputAudio):
        return {"type": "output_audio", "transcript": part.transcript or ""}
    return {"type": "output_text", "text": part.text}
