"""How a client changes its session: a merge patch makes the next configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rtav.core.catalog import Catalog
from rtav.core.config import PCM, UNNAMED, SessionConfig
from rtav.core.detection import merged
from rtav.errors import ProtocolError
from rtav.protocol import session as wire
from rtav.protocol.refusal import supported

CODECS = ("h264", "vp8")

FPS = (1.0, 60.0)
UPSAMPLE = (0.5, 2.0)

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

_OLD_FORMATS: dict[str, dict[str, Any]] = {
    "pcm16": PCM,
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}


def patched(
    config: SessionConfig, patch: wire.SessionPatch, catalog: Catalog, *, prefix: str = "session"
) -> SessionConfig:
    """The configuration after a merge patch. All of it or, by ProtocolError, nothing."""
    changes: dict[str, Any] = {}
    named = patch.model_fields_set
    for name in (name for name in _PLAIN if name in named):
        target = _PLAIN_NAMES.get(name, name)
        changes[target] = _or_default(target, getattr(patch, name))
    if catalog.models is not None and patch.model is not None:
        catalog.models.resolve(patch.model, param=f"{prefix}.model")
    changes |= _assets(patch, catalog, prefix)
    changes |= _hearing(config, patch, prefix)
    changes |= _speaking(patch, prefix)
    if "video_codec" in named:
        changes["video_codec"] = _codec(patch.video_codec, prefix)
    echoed = dict(config.echoed) | {name: getattr(patch, name) for name in sorted(_ECHOED & named)}
    return replace(config, echoed=tuple(echoed.items()), **changes)


def _assets(patch: wire.SessionPatch, catalog: Catalog, prefix: str) -> dict[str, Any]:
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


def _hearing(config: SessionConfig, patch: wire.SessionPatch, prefix: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    nested = patch.audio.input if patch.audio else None
    if "turn_detection" in patch.model_fields_set:
        out["turn_detection"] = merged(config.turn_detection, patch.turn_detection)
    if "input_audio_format" in patch.model_fields_set:
        out["input_format"] = _old_format(patch.input_audio_format)
    if "input_audio_transcription" in patch.model_fields_set:
        out["transcription"] = _plain(patch.input_audio_transcription)
    if "input_audio_noise_reduction" in patch.model_fields_set:
        out["noise_reduction"] = _plain(patch.input_audio_noise_reduction)
    if nested is None:
        return out
    if "turn_detection" in nested.model_fields_set:
        out["turn_detection"] = merged(config.turn_detection, nested.turn_detection)
    for name in {"transcription", "noise_reduction"} & nested.model_fields_set:
        out[name] = _plain(getattr(nested, name))
    if "format" in nested.model_fields_set:
        out["input_format"] = _format(nested.format, f"{prefix}.audio.input.format.rate")
    return out


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
    raise supported(name, CODECS, param=f"{prefix}.video_codec")


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
