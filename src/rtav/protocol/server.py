"""Events the server sends: their names and fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rtav.protocol.beta import older_message

Json = dict[str, Any]
Spelling = Literal["ga", "beta"]


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event on its way out. `fields` is everything but `type` and `event_id`."""

    type: str
    fields: Mapping[str, Any]
    event_id: str

    def __post_init__(self) -> None:
        if self.fields.keys() != FIELDS[self.type]:
            raise AssertionError(f"{self.type} carries {sorted(self.fields)}")

    def as_json(self) -> Json:
        return {"type": self.type, "event_id": self.event_id, **self.fields}


_CALL = ("response_id", "item_id", "output_index")
_PLACE = (*_CALL, "content_index")

FIELDS: dict[str, frozenset[str]] = {
    name: frozenset(fields)
    for name, fields in {
        "session.created": ("session",),
        "session.updated": ("session",),
        "session.expiring": ("expires_at", "seconds_left"),
        "error": ("error",),
        "conversation.created": ("conversation",),
        "conversation.item.added": ("item", "previous_item_id"),
        "conversation.item.done": ("item", "previous_item_id"),
        "conversation.item.retrieved": ("item",),
        "conversation.item.deleted": ("item_id",),
        "conversation.item.truncated": ("item_id", "content_index", "audio_end_ms"),
        "conversation.item.input_audio_transcription.delta": ("item_id", "content_index", "delta"),
        "conversation.item.input_audio_transcription.completed": (
            "item_id",
            "content_index",
            "transcript",
            "usage",
        ),
        "conversation.item.input_audio_transcription.failed": ("item_id", "content_index", "error"),
        "mcp_list_tools.in_progress": ("item_id",),
        "mcp_list_tools.completed": ("item_id",),
        "mcp_list_tools.failed": ("item_id",),
        "input_audio_buffer.speech_started": ("audio_start_ms", "item_id"),
        "input_audio_buffer.speech_stopped": ("audio_end_ms", "item_id"),
        "input_audio_buffer.committed": ("item_id", "previous_item_id"),
        "input_audio_buffer.cleared": (),
        "input_audio_buffer.timeout_triggered": ("audio_start_ms", "audio_end_ms", "item_id"),
        "response.created": ("response",),
        "response.output_item.added": ("response_id", "output_index", "item"),
        "response.output_item.done": ("response_id", "output_index", "item"),
        "response.content_part.added": (*_PLACE, "part"),
        "response.content_part.done": (*_PLACE, "part"),
        "response.output_text.delta": (*_PLACE, "delta"),
        "response.output_text.done": (*_PLACE, "text"),
        "response.output_audio.delta": (*_PLACE, "delta"),
        "response.output_audio.done": _PLACE,
        "response.output_image.delta": (
            *_PLACE,
            "delta",
            "frame_index",
            "timestamp_ms",
            "width",
            "height",
        ),
        "response.output_image.done": (*_PLACE, "total_frames"),
        "response.output_audio_transcript.delta": (*_PLACE, "delta"),
        "response.output_audio_transcript.done": (*_PLACE, "transcript"),
        "response.function_call_arguments.delta": (
            "response_id",
            "item_id",
            "output_index",
            "call_id",
            "delta",
        ),
        "response.function_call_arguments.done": (
            "response_id",
            "item_id",
            "output_index",
            "call_id",
            "name",
            "arguments",
        ),
        "response.mcp_call_arguments.delta": (*_CALL, "delta", "obfuscation"),
        "response.mcp_call_arguments.done": (*_CALL, "arguments"),
        "response.mcp_call.in_progress": ("item_id", "output_index"),
        "response.mcp_call.completed": ("item_id", "output_index"),
        "response.mcp_call.failed": ("item_id", "output_index"),
        "response.done": ("response",),
        "output_audio_buffer.started": ("response_id",),
        "output_audio_buffer.stopped": ("response_id",),
        "output_audio_buffer.cleared": ("response_id",),
        "avatar.visemes": (*_PLACE, "visemes"),
        "avatar.blendshapes": (
            "response_id",
            "item_id",
            "at_ms",
            "audio_start_ms",
            "fps",
            "frames",
        ),
    }.items()
}
"""Every event we send and its fields; all of them are always there."""

ASKED_BY = {
    "response.output_image.delta": "image",
    "response.output_image.done": "image",
    "session.expiring": "session.expiring",
    "avatar.visemes": "avatar.visemes",
    "avatar.blendshapes": "avatar.blendshapes",
}
"""Events that OpenAI does not have, and what a client names in its session to be sent them."""


def spell(event: ServerEvent, spelling: Spelling) -> str | None:
    """The message as this connection reads it; None if its spelling has no such event."""
    message: Json | None = event.as_json()
    if spelling == "beta":
        message = older_message(event.as_json())
    if message is None:
        return None
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
