"""The session fields a client may name, in every spelling, as one merge patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from rtav.errors import ProtocolError
from rtav.protocol.refusal import refuse, supported, wrong_type
from rtav.protocol.tools import Tools
from rtav.protocol.wire import Wire, check_sendable, dotted

Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class VoiceId(Wire):
    id: str


class TurnDetection(Wire):
    """`server_vad` and `semantic_vad` in one: what a kind does not have is ignored."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    eagerness: Literal["low", "medium", "high", "auto"] | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: Milliseconds | None = None
    silence_duration_ms: Milliseconds | None = None
    idle_timeout_ms: Annotated[int, Field(ge=5_000, le=30_000)] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class Transcription(Wire):
    model: str | None = None
    language: str | None = None
    languages: Annotated[list[str], Field(fail_fast=True)] | None = None
    prompt: str | None = None
    keywords: Annotated[list[str], Field(fail_fast=True)] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class NoiseReduction(Wire):
    type: Literal["near_field", "far_field"]
    strength: Annotated[float, Field(ge=0, le=1)] | None = None


class AudioFormat(Wire):
    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: int | None = None


class AudioInput(Wire):
    format: AudioFormat | None = None
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = None


class AudioOutput(Wire):
    format: AudioFormat | None = None
    voice: str | VoiceId | None = None
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None


class Audio(Wire):
    input: AudioInput | None = None
    output: AudioOutput | None = None


class TokenLimits(Wire):
    post_instructions: Annotated[int, Field(ge=1)] | None = None
    """Tokens of the conversation that are too many, instructions and tools not counted."""


class RetentionRatio(Wire):
    """Forget more than needed at a time: what stays begins alike for many turns, and a model
    server's prompt cache holds as long."""

    type: Literal["retention_ratio"]
    retention_ratio: Annotated[float, Field(ge=0, le=1)]
    token_limits: TokenLimits | None = None


class Tracing(Wire):
    workflow_name: str | None = None
    group_id: str | None = None
    metadata: dict[str, Any] | None = None


class Prompt(Wire):
    """A template by its id; a variable is a text, or an input part of OpenAI's."""

    id: Annotated[str, Field(min_length=1, max_length=256)]
    version: str | None = None
    variables: dict[str, str | dict[str, Any]] | None = None


class Reasoning(Wire):
    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class FunctionChoice(TypedDict):
    type: Literal["function"]
    name: str


class McpChoice(TypedDict):
    """A tool of a remote server, or, without a name, any of them."""

    type: Literal["mcp"]
    server_label: str
    name: NotRequired[str | None]


def _flat_choice(choice: object) -> object:
    """Chat completions name the function inside an object of its own."""
    if not isinstance(choice, dict) or not isinstance(choice.get("function"), dict):
        return choice
    return {"type": choice.get("type"), **choice["function"]}


NamedChoice = Annotated[FunctionChoice | McpChoice, Field(discriminator="type")]
ToolChoice = Annotated[
    Literal["none", "auto", "required"] | NamedChoice, BeforeValidator(_flat_choice)
]
Modality = Literal["audio", "text", "image"]
Modalities = Annotated[list[Modality], Field(fail_fast=True)]
MAX_MOTIONS = 64


def _motions(driving: object) -> object:
    """One value to its client, be it a name or a list: nothing in it is named by itself."""
    if isinstance(driving, str | None):
        return driving
    if not isinstance(driving, list) or not all(isinstance(name, str) for name in driving):
        raise PydanticCustomError("invalid_type", "expected a string or an array of strings")
    if not 0 < len(driving) <= MAX_MOTIONS:
        raise PydanticCustomError("limit", "expected 1 to 64 motions")
    return driving


Motions = Annotated[str | list[str], BeforeValidator(_motions)]
OldFormat = Literal["pcm16", "g711_ulaw", "g711_alaw"]
Tokens = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]


class SessionPatch(Wire):
    """What a client named. `model_fields_set` tells an absent field from a null one."""

    type: Literal["realtime"] | None = None
    model: str | None = None
    instructions: str | None = None
    voice: str | VoiceId | None = None
    voice_id: str | None = None
    face: str | None = None
    face_id: str | None = None
    driving: Motions | None = None
    modalities: Modalities | None = None
    output_modalities: Annotated[Modalities, Field(min_length=1)] | None = None
    target_fps: Annotated[float, Field(gt=0, le=1000)] | None = None
    upsample_factor: Annotated[float, Field(gt=0, le=16)] | None = None
    framing: Literal["square", "portrait", "landscape"] | None = None
    background: Annotated[str, Field(max_length=256)] | None = None
    tts_source: str | None = None
    video_codec: str | None = None
    video: bool | None = None
    auto_response: bool | None = None
    express: bool | None = None
    dialect: Literal["rtav", "openai", "beta"] | None = None
    include: Annotated[list[str], Field(fail_fast=True)] | None = None
    audio: Audio | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Tokens | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    truncation: Literal["auto", "disabled"] | RetentionRatio | None = None
    tracing: Literal["auto"] | Tracing | None = None
    prompt: Prompt | None = None
    reasoning: Reasoning | None = None
    # the beta's flat spellings
    input_audio_format: OldFormat | None = None
    output_audio_format: OldFormat | None = None
    input_audio_transcription: Transcription | None = None
    input_audio_noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = None
    max_response_output_tokens: Tokens | None = None
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None


INCLUDES = (
    "item.input_audio_transcription.logprobs",
    "session.expiring",
    "avatar.blendshapes",
    "avatar.visemes",
)
"""What `include` may name; any other `avatar.…` is passed over, in every dialect."""

ECHOED = frozenset({"id", "object", "expires_at", "client_secret"})
"""Fields of our own session object that a client may send back; they change nothing."""


def parse_session(raw: Any, *, strict: bool, prefix: str = "session") -> SessionPatch:
    """Check what a client sent as a session. `strict`: an unknown field is the client's error.

    Raises ProtocolError with the dotted path of the field.
    """
    if not isinstance(raw, dict):
        raise wrong_type(raw, ["an object"], param=prefix)
    check_sendable(raw)
    try:
        patch = SessionPatch.model_validate(raw)
    except ValidationError as error:
        raise refuse(error, prefix=prefix, raw=raw) from None
    if strict:
        _refuse_unknown(raw, SessionPatch, prefix)
        _refuse_unknown_includes(patch.include or (), prefix)
    return patch


def _refuse_unknown(raw: dict[str, Any], model: type[Wire], prefix: str) -> None:
    for name, value in raw.items():
        field = model.model_fields.get(name)
        path = dotted((name,), prefix)
        if field is None and not (model is SessionPatch and name in ECHOED):
            raise ProtocolError(
                f"Unknown parameter: '{path}'.", code="unknown_parameter", param=path
            )
        inner = None if field is None else _object_in(field.annotation)
        if inner is not None and isinstance(value, dict):
            _refuse_unknown(value, inner, path)


def _refuse_unknown_includes(include: Sequence[str], prefix: str) -> None:
    for index, name in enumerate(include):
        if name not in INCLUDES and not name.startswith("avatar."):
            raise supported(name, INCLUDES, param=f"{prefix}.include[{index}]")


def _object_in(annotation: Any) -> type[Wire] | None:
    """The object that a field may hold. What stands in lists is not looked into: tools come with
    fields of their clients' own."""
    if isinstance(annotation, type) and issubclass(annotation, Wire):
        return annotation
    if get_origin(annotation) is list:
        return None
    found = (_object_in(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)
