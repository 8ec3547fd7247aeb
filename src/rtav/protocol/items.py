"""Conversation items as a client may send them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rtav.protocol.pictures import PictureUrl
from rtav.protocol.wire import Wire


class InputText(Wire):
    type: Literal["input_text"]
    text: str


class InputAudio(Wire):
    type: Literal["input_audio"]
    audio: str | None = None
    transcript: str | None = None


class InputImage(Wire):
    type: Literal["input_image"]
    image_url: PictureUrl
    detail: Literal["auto", "low", "high"] | None = None


class OutputText(Wire):
    """`text` is the older spelling."""

    type: Literal["output_text", "text"]
    text: str


class OutputAudio(Wire):
    """`audio` is the older spelling."""

    type: Literal["output_audio", "audio"]
    transcript: str | None = None
    audio: str | None = None


UserContent = Annotated[InputText | InputAudio | InputImage, Field(discriminator="type")]
AssistantContent = Annotated[InputText | OutputText | OutputAudio, Field(discriminator="type")]
ItemId = Annotated[str, Field(min_length=1, max_length=64)]


class UserMessage(Wire):
    type: Literal["message"]
    role: Literal["user"]
    content: Annotated[tuple[UserContent, ...], Field(fail_fast=True, strict=False)]
    id: ItemId | None = None


class SystemMessage(Wire):
    type: Literal["message"]
    role: Literal["system"]
    content: Annotated[tuple[InputText, ...], Field(fail_fast=True, strict=False)]
    id: ItemId | None = None


class AssistantMessage(Wire):
    """With `input_text` it is spoken, its cues played; any other content is history only."""

    type: Literal["message"]
    role: Literal["assistant"]
    content: Annotated[tuple[AssistantContent, ...], Field(fail_fast=True, strict=False)]
    id: ItemId | None = None


class FunctionCall(Wire):
    type: Literal["function_call"]
    name: str
    arguments: str
    call_id: str | None = None
    id: ItemId | None = None


class FunctionCallOutput(Wire):
    type: Literal["function_call_output"]
    call_id: str
    output: str
    id: ItemId | None = None


class ApprovalResponse(Wire):
    """The answer to a request to call a remote tool."""

    type: Literal["mcp_approval_response"]
    approval_request_id: str
    approve: bool
    reason: Annotated[str, Field(max_length=4096)] | None = None
    id: ItemId | None = None


class ItemReference(Wire):
    """An item of the conversation, where a response names its own input."""

    type: Literal["item_reference"]
    id: ItemId


Message = Annotated[UserMessage | SystemMessage | AssistantMessage, Field(discriminator="role")]
Item = Annotated[Message | FunctionCall | FunctionCallOutput, Field(discriminator="type")]
CreatedItem = Annotated[
    Message | FunctionCall | FunctionCallOutput | ApprovalResponse, Field(discriminator="type")
]
InputItem = Annotated[
    Message | FunctionCall | FunctionCallOutput | ItemReference, Field(discriminator="type")
]


def without_words(item: InputItem) -> dict[int, str]:
    """The sound in a user's message that came without a transcript, by its place."""
    if not isinstance(item, UserMessage):
        return {}
    return {
        index: part.audio
        for index, part in enumerate(item.content)
        if isinstance(part, InputAudio) and part.audio and part.transcript is None
    }
