"""Events a client sends, and how a message becomes one."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from rtav.errors import ProtocolError
from rtav.protocol.items import CreatedItem, InputItem
from rtav.protocol.refusal import refuse, supported
from rtav.protocol.session import (
    Audio,
    Modalities,
    OldFormat,
    Prompt,
    Reasoning,
    Tokens,
    ToolChoice,
    VoiceId,
)
from rtav.protocol.tools import Tools
from rtav.protocol.wire import Wire, check_sendable

MAX_EVENT_BYTES = 21 * 1024 * 1024
"""15 MiB of audio in one append is OpenAI's limit: 20 as base64, and the JSON around it."""

MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512
"""OpenAI's limits of a response's metadata."""


class ClientEvent(Wire):
    event_id: Annotated[str, Field(max_length=512)] | None = None


class SessionUpdate(ClientEvent):
    """`session` stays raw: what is unknown in it depends on the dialect."""

    type: Literal["session.update"]
    session: dict[str, Any]


class ItemCreate(ClientEvent):
    type: Literal["conversation.item.create"]
    item: CreatedItem
    previous_item_id: str | None = None


class ItemRetrieve(ClientEvent):
    type: Literal["conversation.item.retrieve"]
    item_id: str


class ItemDelete(ClientEvent):
    type: Literal["conversation.item.delete"]
    item_id: str


class ItemTruncate(ClientEvent):
    type: Literal["conversation.item.truncate"]
    item_id: str
    content_index: Annotated[int, Field(ge=0)]
    audio_end_ms: Annotated[int, Field(ge=0)]


def _within_limits(metadata: object) -> object:
    if not isinstance(metadata, dict):
        return metadata  # not an object: the type's own complaint says it better
    fits = len(metadata) <= MAX_PAIRS and all(
        len(key) <= MAX_KEY and len(str(value)) <= MAX_VALUE for key, value in metadata.items()
    )
    if not fits:
        raise PydanticCustomError(
            "limit",
            "it is too large. Expected at most 16 pairs, keys of 64 characters and values of 512",
        )
    return metadata


Metadata = Annotated[dict[str, str], BeforeValidator(_within_limits)]


class ResponseParams(Wire):
    """What a `response.create` may change for its one response."""

    instructions: str | None = None
    input: Annotated[list[InputItem], Field(fail_fast=True)] | None = None
    """What the model reads instead of the conversation."""
    audio: Audio | None = None
    output_modalities: Modalities | None = None
    modalities: Modalities | None = None
    metadata: Metadata | None = None
    max_output_tokens: Tokens | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    conversation: Literal["auto", "none"] | None = None
    """`none`: out of band, beside the conversation, which gets none of its items."""
    prompt: Prompt | None = None
    reasoning: Reasoning | None = None
    parallel_tool_calls: bool | None = None
    # the beta's flat spellings
    voice: str | VoiceId | None = None
    output_audio_format: OldFormat | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_response_output_tokens: Tokens | None = None


class ResponseCreate(ClientEvent):
    type: Literal["response.create"]
    response: ResponseParams | None = None


class ResponseCancel(ClientEvent):
    type: Literal["response.cancel"]
    response_id: str | None = None


class InputAudioAppend(ClientEvent):
    type: Literal["input_audio_buffer.append"]
    audio: str
    """Base64 of samples in the session's input format."""


class InputAudioCommit(ClientEvent):
    type: Literal["input_audio_buffer.commit"]


class InputAudioClear(ClientEvent):
    type: Literal["input_audio_buffer.clear"]


class OutputAudioClear(ClientEvent):
    type: Literal["output_audio_buffer.clear"]


class Generate(ClientEvent):
    """rtAV's "generate events": say this, without a language model."""

    type: Literal["generate"]
    text: str


class Auth(ClientEvent):
    """The first message of a socket whose handshake carried no key; elsewhere it is harmless."""

    type: Literal["auth"]


EVENTS: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "conversation.item.create": ItemCreate,
    "conversation.item.retrieve": ItemRetrieve,
    "conversation.item.delete": ItemDelete,
    "conversation.item.truncate": ItemTruncate,
    "response.create": ResponseCreate,
    "response.cancel": ResponseCancel,
    "input_audio_buffer.append": InputAudioAppend,
    "input_audio_buffer.commit": InputAudioCommit,
    "input_audio_buffer.clear": InputAudioClear,
    "output_audio_buffer.clear": OutputAudioClear,
    "generate": Generate,
    "auth": Auth,
}


def parse(message: str | bytes) -> ClientEvent:
    """One message of the event channel.

    Raises ProtocolError for anything else than one event; it carries the client's `event_id`
    where there was one.
    """
    raw = _load(message)
    event_id = raw.get("event_id")
    try:
        return _event(raw)
    except ProtocolError as error:
        if isinstance(event_id, str):
            error.event_id = event_id[:512]
        raise


def _load(message: str | bytes) -> dict[str, Any]:
    if len(message) > MAX_EVENT_BYTES:
        raise ProtocolError("The event is larger than 21 MiB.", code="event_too_large")
    try:
        raw = json.loads(message)
    except (ValueError, RecursionError):
        raise ProtocolError("The event is not valid JSON.", code="invalid_json") from None
    if not isinstance(raw, dict):
        raise ProtocolError("An event is a JSON object.", code="invalid_event")
    check_sendable(raw)
    return raw


def _event(raw: dict[str, Any]) -> ClientEvent:
    kind = raw.get("type")
    if kind is None:
        raise ProtocolError("An event needs a 'type'.", code="invalid_event", param="type")
    model = EVENTS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise supported(kind, EVENTS, param="type")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise refuse(error, raw=raw) from None
