"""How a client changes its session: a merge patch makes the next configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rtav.core import choices, servers
from rtav.core.catalog import Catalog
from rtav.core.config import INSTRUCTIONS, PCM, UNNAMED, SessionConfig
from rtav.core.detection import merged
from rtav.core.prompts import rendered
from rtav.core.sight import read_background
from rtav.protocol import session as wire
from rtav.protocol.refusal import invalid, supported
from rtav.protocol.wire import Wire

CODECS = ("h264", "vp8", "jpeg")
"""`jpeg`: pictures in events, which `modalities` switches on; by RTP it wishes nothing."""

FPS = (1.0, 60.0)
UPSAMPLE = (0.5, 2.0)

_PLAIN_NAMES = {"max_response_output_tokens": "max_output_tokens"}
_PLAIN = (
    "model",
    "auto_response",
    "express",
    "tool_choice",
    "max_response_output_tokens",
    "max_output_tokens",
    "temperature",
    "target_fps",
    "upsample_factor",
    "framing",
    "tts_source",
    "include",
    "speed",
    "parallel_tool_calls",
)
"""Fields that are taken as they stand; where two are spellings of one, the last counts."""

_OBJECTS = frozenset({"truncation", "tracing", "reasoning"})
"""Fields that are an object, into which a patch is merged, or a word."""

_DEFAULTS: dict[str, Any] = {
    "model": "gpt-5.2",
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "upsample_factor": 1.0,
    "framing": "square",
    "speed": 1.0,
    "parallel_tool_calls": True,
    "truncation": "auto",
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
    if catalog.models is not None and patch.model:
        catalog.models.resolve(patch.model, param=f"{prefix}.model")
    if "tools" in named:
        changes["tools"], changes["servers"] = servers.read(
            patch.tools or (), known=config.servers, hosts=catalog.hosts, prefix=prefix
        )
    changes |= _assets(patch, catalog, prefix)
    changes |= _hearing(config, patch, prefix)
    changes |= _speaking(patch, prefix)
    if "video_codec" in named:
        changes["video_codec"] = _codec(patch.video_codec, prefix)
    if "background" in named:
        changes["background"] = read_background(
            patch.background,
            face_id=changes.get("face_id", config.face_id),
            catalog=catalog,
            param=f"{prefix}.background",
        )
    changes |= _instructing(config, patch, catalog, prefix)
    for name in _OBJECTS & named:
        laid = _laid_over(getattr(config, name), getattr(patch, name))
        changes[name] = _DEFAULTS.get(name) if laid is None else laid
    after = replace(config, **changes)
    if "tool_choice" in named:
        choices.check(patch.tool_choice, after, prefix=prefix)
    return after


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
        driving = patch.driving or "default"
        names = (driving,) if isinstance(driving, str) else tuple(driving)
        out["driving"] = driving if isinstance(driving, str) else names
        out["motions"] = tuple(
            catalog.motions.resolve(name, param=f"{prefix}.driving") for name in names
        )
    return out


def _instructing(
    config: SessionConfig, patch: wire.SessionPatch, catalog: Catalog, prefix: str
) -> dict[str, Any]:
    """A client's own instructions outrank those of its prompt."""
    named = patch.model_fields_set
    own, prompt = config.own_instructions, config.prompt
    if "instructions" in named:
        own = patch.instructions or ""
    if "prompt" in named:
        prompt = _laid_over(prompt, patch.prompt)
    text = prompt and rendered(prompt, catalog.prompts, param=f"{prefix}.prompt")
    unsaid = INSTRUCTIONS if own is None else ""
    return {"own_instructions": own, "prompt": prompt, "instructions": own or text or unsaid}


def _hearing(config: SessionConfig, patch: wire.SessionPatch, prefix: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    nested = patch.audio.input if patch.audio else None
    if "turn_detection" in patch.model_fields_set:
        out["turn_detection"] = merged(config.turn_detection, patch.turn_detection)
    if "input_audio_format" in patch.model_fields_set:
        out["input_format"] = _old_format(patch.input_audio_format)
    if "input_audio_transcription" in patch.model_fields_set:
        out["transcription"] = _laid_over(config.transcription, patch.input_audio_transcription)
    if "input_audio_noise_reduction" in patch.model_fields_set:
        out["noise_reduction"] = _laid_over(
            config.noise_reduction, patch.input_audio_noise_reduction
        )
    if nested is None:
        return out
    if "turn_detection" in nested.model_fields_set:
        out["turn_detection"] = merged(config.turn_detection, nested.turn_detection)
    for name in {"transcription", "noise_reduction"} & nested.model_fields_set:
        out[name] = _laid_over(getattr(config, name), getattr(nested, name))
    if "format" in nested.model_fields_set:
        out["input_format"] = _format(nested.format, f"{prefix}.audio.input.format.rate")
    return out


def _or_default(name: str, value: Any) -> Any:
    if value in (None, ""):
        return _DEFAULTS.get(name)
    match name:
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
    if patch.voice:
        value = patch.voice
    elif patch.voice_id:
        value, param = patch.voice_id, f"{prefix}.voice_id"
    elif nested is not None and nested.voice:
        value, param = nested.voice, f"{prefix}.audio.output.voice"
    elif {"voice", "voice_id"} & patch.model_fields_set or _names(nested, "voice"):
        value = "default"
    if value is None:
        return {}
    name = value if isinstance(value, str) else value.id
    return {"voice": name, "voice_id": catalog.voices.resolve(name, param=param)}


def _names(given: wire.AudioOutput | None, name: str) -> bool:
    return given is not None and name in given.model_fields_set


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
    if not name or name.lower() in CODECS:
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
        raise invalid("audio/pcm is 24000 samples per second", param=param)
    return dict(PCM)


def _laid_over(before: Any, given: Wire | str | None) -> Any:
    """What holds of an object after a patch: merged, or begun anew where it is of another kind."""
    if not isinstance(given, Wire):
        return given
    named = given.model_dump(exclude_unset=True)
    if not isinstance(before, dict) or any(_differs(before, named, key) for key in ("type", "id")):
        before = {}
    return _merged(before, named)


def _differs(before: dict[str, Any], named: dict[str, Any], key: str) -> bool:
    return key in named and before.get(key, named[key]) != named[key]


def _merged(before: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """A null takes a field away."""
    out = dict(before)
    for name, value in named.items():
        if value is None:
            out.pop(name, None)
        elif isinstance(value, dict) and isinstance(out.get(name), dict):
            out[name] = _merged(out[name], value)
        else:
            out[name] = value
    return out
