"""Judges the order of a connection's events: what was begun is finished, once, and in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtav.testing.tool_lifecycle import ToolLifeCycle

Event = Mapping[str, Any]

_ARGUMENTS = ("function_call_arguments", "mcp_call_arguments")
_TEXTS = ("output_text", "output_audio_transcript", *_ARGUMENTS)
_DONE_FIELD = {
    "output_text": "text",
    "output_audio_transcript": "transcript",
    "function_call_arguments": "arguments",
    "mcp_call_arguments": "arguments",
}
_NO_RESPONSE = frozenset(
    {
        "response.created",
        "response.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
    }
)
"""They name no `response_id`."""


@dataclass(slots=True)
class _Output:
    """One item of a response."""

    item_id: str
    is_remote: bool = False
    """A server carries it out: it may take longer than its response."""
    is_done: bool = False
    open_parts: set[int] = field(default_factory=set)
    texts: dict[tuple[str, int], str] = field(default_factory=dict)
    """What the deltas of a kind and content index add up to, until their done."""
    finished: set[tuple[str, int]] = field(default_factory=set)


@dataclass(slots=True)
class _Response:
    in_conversation: bool
    outputs: list[_Output] = field(default_factory=list)
    is_done: bool = False

    def output(self, event: Event) -> _Output | None:
        found = (output for output in self.outputs if output.item_id == event.get("item_id"))
        return next(found, None)


class LifeCycle:
    """Feed it every event of one connection in GA spelling, in order; ask for what went wrong.

    Knows nothing of the client's events, so it cannot tell whether something is missing
    altogether, only whether what was begun is well-formed.
    """

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._tools = ToolLifeCycle()
        self._count = 0
        self._event_ids: set[str] = set()
        self._responses: dict[str, _Response] = {}
        self._items: dict[str, str] = {}  # id: "added" or "done"
        self._apart: set[str] = set()  # items of responses out of band
        self._expected_item: str | None = None
        self._speaking: str | None = None
        self._transcribed: set[tuple[str, int]] = set()
        self._playing: dict[str, str] = {}  # response: "started" or how it ended
        self._rules: Mapping[str, Callable[[Event], None]] = {
            "response.created": self._created,
            "response.output_item.added": self._output_added,
            "response.output_item.done": self._output_done,
            "response.content_part.added": self._part_added,
            "response.content_part.done": self._part_done,
            "response.done": self._response_done,
            "conversation.item.added": self._item_added,
            "conversation.item.done": self._item_done,
            "conversation.item.deleted": self._item_deleted,
            "conversation.item.truncated": self._item_changed,
            "input_audio_buffer.speech_started": self._speech_started,
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "conversation.item.input_audio_transcription.completed": self._transcription_over,
            "conversation.item.input_audio_transcription.failed": self._transcription_over,
            "output_audio_buffer.started": self._play_started,
            "output_audio_buffer.stopped": self._play_ended,
            "output_audio_buffer.cleared": self._play_ended,
        }

    def feed(self, event: Event) -> list[str]:
        """The violations of this event, which are kept in `violations` too."""
        before = len(self.violations)
        self._common(event)
        kind = event["type"]
        for fault in self._tools.feed(event):
            self._blame(fault)
        rule = self._rules.get(kind)
        if rule is not None:
            rule(event)
        elif kind.startswith("response.") and kind.endswith(".delta"):
            self._delta(event)
        elif kind.startswith("response.") and kind.endswith(".done"):
            self._text_done(event)
        return self.violations[before:]

    def finish(self) -> list[str]:
        """Everything that went wrong, with what is still unfinished now."""
        for response_id, response in self._responses.items():
            if not response.is_done:
                self._blame(f"{response_id} has no response.done")
        for response_id, state in self._playing.items():
            if state == "started":
                self._blame(f"the playing of {response_id} never stopped")
        for item_id, state in self._items.items():
            if state == "added":
                self._blame(f"{item_id} was added and is never done")
        return self.violations

    # --- all events ---------------------------------------------------------------------------

    def _blame(self, what: str) -> None:
        self.violations.append(f"event {self._count}: {what}")

    def _common(self, event: Event) -> None:
        self._count += 1
        kind, event_id = event["type"], event.get("event_id")
        if not event_id or event_id in self._event_ids:
            self._blame(f"{kind} has no event_id of its own")
        self._event_ids.add(str(event_id))
        if (kind == "session.created") != (self._count == 1):
            self._blame("session.created is the first event and only that")
        expected, self._expected_item = self._expected_item, None
        if expected and not (kind == "conversation.item.added" and event["item"]["id"] == expected):
            self._blame(f"conversation.item.added of {expected} does not follow its output item")
        if kind.startswith("response.") and kind not in _NO_RESPONSE:
            self._within(event)

    def _within(self, event: Event) -> None:
        response = self._responses.get(event["response_id"])
        if response is None:
            self._blame(f"{event['type']} of a response that was never created")
        elif response.is_done and event.get("item", {}).get("type") != "mcp_call":
            self._blame(f"{event['type']} after the response's done")

    # --- responses ----------------------------------------------------------------------------

    def _created(self, event: Event) -> None:
        response = event["response"]
        in_conversation = response.get("conversation_id") is not None
        if response["id"] in self._responses:
            self._blame(f"{response['id']} is created twice")
        if response["status"] != "in_progress" or response["output"]:
            self._blame("a new response is in progress and empty")
        if in_conversation and any(
            other.in_conversation and not other.is_done for other in self._responses.values()
        ):
            self._blame("two responses in the conversation at a time")
        self._responses[response["id"]] = _Response(in_conversation)

    def _response_done(self, event: Event) -> None:
        final = event["response"]
        response = self._responses.get(final["id"])
        if response is None or response.is_done:
            self._blame("response.done without its response.created")
            return
        response.is_done = True
        if response.in_conversation != (final.get("conversation_id") is not None):
            self._blame("a response is out of band from its beginning to its end, or never")
        if final["status"] == "in_progress":
            self._blame("a response that is done is not in progress")
        for output in response.outputs:
            if not (output.is_done or output.is_remote):
                self._blame(f"response.done before output_item.done of {output.item_id}")
        shown = [item["id"] for item in final["output"]]
        if shown != [output.item_id for output in response.outputs]:
            self._blame("response.done shows other items than were added")

    def _output_added(self, event: Event) -> None:
        response = self._responses.get(event["response_id"])
        if response is None:
            return
        item_id = event["item"]["id"]
        if event["output_index"] != len(response.outputs):
            self._blame(f"output_index {event['output_index']} is not the next one")
        is_remote = event["item"]["type"] == "mcp_call"
        response.outputs.append(_Output(item_id, is_remote))
        if response.in_conversation:
            self._expected_item = item_id
        else:
            self._apart.add(item_id)

    def _output_done(self, event: Event) -> None:
        output = self._output(event, event["item"]["id"])
        if output is None:
            return
        if output.is_done:
            self._blame(f"{output.item_id} is done twice")
        if output.open_parts or output.texts:
            self._blame(f"output_item.done before the contents of {output.item_id} are")
        if event["item"].get("status") == "in_progress":
            self._blame("an item that is done is not in progress")
        output.is_done = True

    def _part_added(self, event: Event) -> None:
        if output := self._output(event, event["item_id"]):
            output.open_parts.add(event["content_index"])

    def _part_done(self, event: Event) -> None:
        output = self._output(event, event["item_id"])
        if output is None:
            return
        index = event["content_index"]
        if index not in output.open_parts:
            self._blame("content_part.done without its content_part.added")
        output.open_parts.discard(index)
        if any(content == index for _, content in output.texts):
            self._blame("content_part.done before the done of its deltas")

    def _output(self, event: Event, item_id: str) -> _Output | None:
        response = self._responses.get(event["response_id"])
        output = response.output({"item_id": item_id}) if response else None
        if response is None:
            return None
        if output is None:
            self._blame(f"{event['type']} of {item_id}, which was never added")
        elif event["output_index"] != response.outputs.index(output):
            self._blame(f"{event['type']} of {item_id} has another item's output_index")
        return output

    # --- deltas and what they add up to -------------------------------------------------------

    def _delta(self, event: Event) -> None:
        kind = event["type"].split(".")[1]
        output = self._output(event, event["item_id"])
        if output is None:
            return
        key = (kind, event.get("content_index", -1))
        if key in output.finished:
            self._blame(f"{event['type']} after its done")
        if kind not in _ARGUMENTS and key[1] not in output.open_parts:
            self._blame(f"{event['type']} without an open content part")
        if kind in _TEXTS:
            output.texts[key] = output.texts.get(key, "") + event["delta"]

    def _text_done(self, event: Event) -> None:
        kind = event["type"].split(".")[1]
        output = self._output(event, event["item_id"])
        if output is None:
            return
        key = (kind, event.get("content_index", -1))
        if key in output.finished:
            self._blame(f"{event['type']} twice")
        output.finished.add(key)
        if kind not in _TEXTS:
            return
        if event[_DONE_FIELD[kind]] != output.texts.pop(key, ""):
            self._blame(f"{event['type']} is not the sum of its deltas")

    # --- items, speech and playing ------------------------------------------------------------

    def _item_added(self, event: Event) -> None:
        item_id = event["item"]["id"]
        if item_id in self._items:
            self._blame(f"{item_id} is added twice")
        if item_id in self._apart:
            self._blame(f"{item_id} is out of band and no item of the conversation")
        self._items[item_id] = "added"

    def _item_done(self, event: Event) -> None:
        item_id = event["item"]["id"]
        if self._items.get(item_id) != "added":
            self._blame(f"conversation.item.done of {item_id} without its added")
        self._items[item_id] = "done"
        for response in self._responses.values():
            output = response.output({"item_id": item_id})
            if output is not None and not output.is_done:
                self._blame(f"conversation.item.done of {item_id} before its output_item.done")

    def _item_changed(self, event: Event) -> None:
        if event["item_id"] in self._apart:
            self._blame(f"{event['type']} of {event['item_id']}, which is out of band")

    def _item_deleted(self, event: Event) -> None:
        self._item_changed(event)
        self._items.pop(event["item_id"], None)  # clients put an item in again under its id

    def _speech_started(self, event: Event) -> None:
        if self._speaking is not None:
            self._blame("speech_started twice")
        self._speaking = event["item_id"]

    def _speech_stopped(self, event: Event) -> None:
        if self._speaking != event["item_id"]:
            self._blame("speech_stopped of what did not start")
        self._speaking = None

    def _transcription_over(self, event: Event) -> None:
        part = (event["item_id"], event.get("content_index", 0))
        if part in self._transcribed:
            self._blame(f"{event['item_id']} is transcribed twice")
        self._transcribed.add(part)

    def _play_started(self, event: Event) -> None:
        response_id = event["response_id"]
        if response_id not in self._responses or response_id in self._playing:
            self._blame(f"output_audio_buffer.started of {response_id}, out of place")
        self._playing[response_id] = "started"

    def _play_ended(self, event: Event) -> None:
        response_id = event["response_id"]
        if self._playing.get(response_id) != "started":
            self._blame(f"{event['type']} of {response_id}, which is not playing")
        self._playing[response_id] = event["type"]
