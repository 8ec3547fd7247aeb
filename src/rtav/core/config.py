"""A session's effective configuration, how a client changes it, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from rtav.core.catalog import Catalog
from rtav.core.detection import TurnDetection, merged
from rtav.core.dialect import Dialect
from rtav.errors import ProtocolError
from rtav.protocol import session as wire

OPEN_LOOP = frozenset({"none", "disable", "open-loop"})
"""Models that are no model: nothing is said but what the client sends to be said."""

CODECS = ("h264", "vp8")

FPS = (1.0, 60.0)
UPSAMPLE = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Unnamed:
    """The client never said: the dialect decides."""


UNNAMED: Final = Unnamed()
PCM: dict[str, Any] = {"type": "audio/pcm", "rate": 24000}
_OLD_FORMATS: dict[str, dict[str, Any]] = {
    "pcm16": PCM,
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Immutable; `patched` makes the next one. Names are as the client wrote them, `*_id` ours."""

    id: str
    model: str = "gpt-5.2"
    instructions: str = "You are a helpful assistant."
    voice: str = "default"
    voice_id: str
    face: str = "default"
    face_id: str
    driving: str | tuple[str, ...] = "default"
    motions: tuple[str, ...]
    modalities: tuple[str, ...] | Unnamed = UNNAMED
    output_modalities: tuple[str, ...] | Unnamed = UNNAMED
    turn_detection: TurnDetection | None = field(default_factory=TurnDetection)
    transcription: dict[str, Any] | Unnamed | None = UNNAMED
    noise_reduction: dict[str, Any] | None = None
    input_format: dict[str, Any] = field(default_factory=lambda: dict(PCM))
    output_format: dict[str, Any] = field(default_factory=lambda: dict(PCM))
    speed: float = 1.0
    auto_response: bool | None = None
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] = "auto"
    max_output_tokens: int | Literal["inf"] = "inf"
    temperature: float | None = None
    target_fps: float = 25.0
    upsample_factor: float = 1.0
    video_codec: str | None = None
    tts_source: str | None = None
    include: tuple[str, ...] | None = None
    echoed: tuple[tuple[str, Any], ...] = ()
    """Fields that are kept and shown: truncation, tracing, prompt, reasoning, …"""

    @classmethod
    def initial(
        cls, session_id: str, catalog: Catalog, *, motion: str = "default"
    ) -> SessionConfig:
        return cls(
            id=session_id,
            voice_id=catalog.voices.resolve("default", param="session.voice"),
            face_id=catalog.faces.resolve("default", param="session.face"),
            motions=(catalog.motions.resolve(motion, param="session.driving"),),
        )

    @property
    def open_loop(self) -> bool:
        return self.model.lower() in OPEN_LOOP

    def patched(
        self, patch: wire.SessionPatch, catalog: Catalog, *, prefix: str = "session"
    ) -> SessionConfig:
        """The configuration after a merge patch. All of it or, by ProtocolError, nothing."""
        changes: dict[str, Any] = {}
        named = patch.model_fields_set
        for name in (name for name in _PLAIN if name in named):
            target = _PLAIN_NAMES.get(name, name)
            changes[target] = _or_default(target, getattr(patch, name))
        if catalog.models is not None and patch.model is not None:
            catalog.models.resolve(patch.model, param=f"{prefix}.model")
        changes |= self._assets(patch, catalog, prefix)
        changes |= self._hearing(patch, prefix)
        changes |= _speaking(patch, prefix)
        if "video_codec" in named:
            changes["video_codec"] = _codec(patch.video_codec, prefix)
        echoed = dict(self.echoed) | {
            name: getattr(patch, name) for name in sorted(_ECHOED & named)
        }
        return replace(self, echoed=tuple(echoed.items()), **changes)

    # --- parts of a patch --------------------------------------------------------------------

    def _assets(self, patch: wire.SessionPatch, catalog: Catalog, prefix: str) -> dict[str, Any]:
        named = patch.model_fields_set
        out: dict[str, Any] = {}
        for face in ("face_id", "face"):
            if face in named:
                name = getattr(patch, face) or "default"
                out["face"] = name
                out["face_id"] = catalog.faces.resolve(name, param=f"{prefix}.{face}")
        out |= _voice(patch, catalog, prefix)
        if "driving" in named:
            driving = patch.driving if patch.driving is not None else "default"
            names = (driving,) if isinstance(driving, str) else tuple(driving)
            out["driving"] = driving if isinstance(driving, str) else names
            out["motions"] = tuple(
                catalog.motions.resolve(name, param=f"{prefix}.driving") for name in names
            )
        return out

    def _hearing(self, patch: wire.SessionPatch, prefix: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        nested = patch.audio.input if patch.audio else None
        if "turn_detection" in patch.model_fields_set:
            out["turn_detection"] = merged(self.turn_detection, patch.turn_detection)
        if "input_audio_format" in patch.model_fields_set:
            out["input_format"] = _old_format(patch.input_audio_format)
        if "input_audio_transcription" in patch.model_fields_set:
            out["transcription"] = _plain(patch.input_audio_transcription)
        if "input_audio_noise_reduction" in patch.model_fields_set:
            out["noise_reduction"] = _plain(patch.input_audio_noise_reduction)
        if nested is None:
            return out
        if "turn_detection" in nested.model_fields_set:
            out["turn_detection"] = merged(self.turn_detection, nested.turn_detection)
        for name in {"transcription", "noise_reduction"} & nested.model_fields_set:
            out[name] = _plain(getattr(nested, name))
        if "format" in nested.model_fields_set:
            out["input_format"] = _format(nested.format, f"{prefix}.audio.input.format.rate")
        return out

    # --- what follows from it ----------------------------------------------------------------

    def speaks(self) -> bool:
        """Whether replies are spoken: the opposite is text only."""
        named = self.output_modalities if not isinstance(self.output_modalities, Unnamed) else None
        if named is None and not isinstance(self.modalities, Unnamed):
            named = self.modalities
        return named is None or "audio" in named

    def shows_text(self, dialect: Dialect, *, modalities: Sequence[str] | None = None) -> bool:
        """Whether a spoken reply also comes as output_text: rtAV's own clients read only that.

        `modalities`: what one response names for itself, in rtAV's way.
        """
        if dialect is not Dialect.RTAV:
            return False
        if modalities:
            return {"audio", "text"} <= set(modalities)
        if not isinstance(self.output_modalities, Unnamed):
            return False
        return isinstance(self.modalities, Unnamed) or {"audio", "text"} <= set(self.modalities)

    def shows_images(self, dialect: Dialect, *, transport: str) -> bool:
        """Whether a spoken reply also comes as pictures in events."""
        return "image" in self._shown_modalities(dialect, transport)

    def transcribes(self, dialect: Dialect) -> dict[str, Any] | None:
        """The transcription of the caller that is sent, or None if it is off."""
        if isinstance(self.transcription, Unnamed):
            return {"model": "default"} if dialect is Dialect.RTAV else None
        return self.transcription

    def answers_by_itself(self, dialect: Dialect) -> bool:
        """Whether a user's text alone is answered: rtAV's closed loop."""
        if self.open_loop:
            return False
        if self.auto_response is not None:
            return self.auto_response
        create = self.turn_detection is None or self.turn_detection.create_response
        return dialect is Dialect.RTAV and create

    def answers_speech(self) -> bool:
        detection = self.turn_detection
        if self.open_loop or self.auto_response is False:
            return False
        return detection is not None and detection.create_response

    def view(self, dialect: Dialect, *, transport: str, expires_at: int) -> dict[str, Any]:
        """The whole session, in OpenAI's nested and in rtAV's flat shape at once."""
        detection = self.turn_detection.view() if self.turn_detection else None
        output = ["audio"] if self.speaks() else ["text"]
        shown = {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.id,
            "model": self.model,
            "instructions": self.instructions,
            "output_modalities": output,
            "tools": list(self.tools),
            "tool_choice": self.tool_choice,
            "max_output_tokens": self.max_output_tokens,
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": expires_at,
            "audio": {
                "input": {
                    "format": self.input_format,
                    "transcription": self.transcribes(dialect),
                    "noise_reduction": self.noise_reduction,
                    "turn_detection": detection,
                },
                "output": {"format": self.output_format, "voice": self.voice, "speed": self.speed},
            },
            "include": None if self.include is None else list(self.include),
        }
        return shown | dict(self.echoed) | self._flat(dialect, transport=transport)

    def _flat(self, dialect: Dialect, *, transport: str) -> dict[str, Any]:
        out: dict[str, Any] = {
            "voice": self.voice,
            "face": self.face,
            "driving": self.driving if isinstance(self.driving, str) else list(self.driving),
            "modalities": self._shown_modalities(dialect, transport),
            "target_fps": self.target_fps,
            "upsample_factor": self.upsample_factor,
            "video_codec": self.video_codec,
            "tts_source": self.tts_source,
            "temperature": self.temperature,
            "auto_response": self.answers_by_itself(dialect),
            "dialect": str(dialect),
        }
        if dialect is Dialect.BETA:
            out["turn_detection"] = self.turn_detection.view() if self.turn_detection else None
            out["input_audio_transcription"] = self.transcribes(dialect)
        return out

    def _shown_modalities(self, dialect: Dialect, transport: str) -> list[str]:
        if not isinstance(self.modalities, Unnamed):
            return list(self.modalities)
        if not isinstance(self.output_modalities, Unnamed):
            return list(self.output_modalities)
        if dialect is Dialect.OPENAI:
            return ["audio"]
        image = ["image"] if dialect is Dialect.RTAV and transport == "websocket" else []
        return ["audio", "text", *image]


_PLAIN_NAMES = {"max_response_output_tokens": "max_output_tokens"}
_PLAIN = (
    "model",
    "instructions",
    "auto_response",
    "tools",
    "tool_choice",
    "max_response_output_tokens",
    "max_output_tokens",
    "temperature",
    "target_fps",
    "upsample_factor",
    "tts_source",
    "include",
    "speed",
)
"""Fields that are taken as they stand; where two are spellings of one, the last counts."""

_ECHOED = frozenset({"truncation", "tracing", "prompt", "reasoning", "parallel_tool_calls"})
_DEFAULTS: dict[str, Any] = {
    "model": "gpt-5.2",
    "instructions": "",
    "tools": (),
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "target_fps": 25.0,
    "upsample_factor": 1.0,
    "speed": 1.0,
}


def _or_default(name: str, value: Any) -> Any:
    if value is None:
        return _DEFAULTS.get(name)
    match name:
        case "tools":
            return tuple(tool.model_dump(exclude_none=True) for tool in value)
        case "include":
            return tuple(value)
        case "target_fps":
            return min(max(value, FPS[0]), FPS[1])
        case "upsample_factor":
            return min(max(value, UPSAMPLE[0]), UPSAMPLE[1])
        case _:
            return value


def _voice(patch: wire.SessionPatch, catalog: Catalog, prefix: str) -> dict[str, Any]:
    """The flat field outranks the nested one where a message has both."""
    nested = patch.audio.output if patch.audio else None
    value: str | wire.VoiceId | None = None
    param = f"{prefix}.voice"
    if patch.voice is not None:
        value = patch.voice
    elif patch.voice_id is not None:
        value, param = patch.voice_id, f"{prefix}.voice_id"
    elif nested is not None and nested.voice is not None:
        value, param = nested.voice, f"{prefix}.audio.output.voice"
    elif {"voice", "voice_id"} & patch.model_fields_set or _names_null(nested, "voice"):
        value = "default"
    if value is None:
        return {}
    name = value if isinstance(value, str) else value.id
    return {"voice": name, "voice_id": catalog.voices.resolve(name, param=param)}


def _names_null(given: wire.AudioOutput | None, name: str) -> bool:
    return given is not None and name in given.model_fields_set and getattr(given, name) is None


def _speaking(patch: wire.SessionPatch, prefix: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in ("modalities", "output_modalities"):
        if name in patch.model_fields_set:
            value = getattr(patch, name)
            out[name] = UNNAMED if value is None else tuple(value)
    if "output_audio_format" in patch.model_fields_set:
        out["output_format"] = _old_format(patch.output_audio_format)
    nested = patch.audio.output if patch.audio else None
    if nested is None:
        return out
    if "speed" in nested.model_fields_set:
        out["speed"] = _or_default("speed", nested.speed)
    if "format" in nested.model_fields_set:
        out["output_format"] = _format(nested.format, f"{prefix}.audio.output.format.rate")
    return out


def _codec(name: str | None, prefix: str) -> str | None:
    if name is None or name.lower() in CODECS:
        return name.lower() if name else None
    raise ProtocolError(
        f"Invalid value for '{prefix}.video_codec': supported are {', '.join(CODECS)}.",
        code="invalid_value",
        param=f"{prefix}.video_codec",
    )


def _old_format(name: str | None) -> dict[str, Any]:
    return dict(_OLD_FORMATS[name or "pcm16"])


def _format(given: wire.AudioFormat | None, param: str) -> dict[str, Any]:
    if given is None:
        return dict(PCM)
    if given.type != "audio/pcm":
        return {"type": given.type}
    if given.rate not in (None, 24000):
        raise ProtocolError(
            f"Invalid value for '{param}': audio/pcm is 24000 samples per second.",
            code="invalid_value",
            param=param,
        )
    return dict(PCM)


def _plain(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    dumped: dict[str, Any] = given.model_dump(exclude_none=True)
    return dumped
