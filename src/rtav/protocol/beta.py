"""OpenAI's beta: the older names of events, and the older shapes of what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_image.delta": "response.image.delta",
    "response.output_image.done": "response.image.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
_CONTENT = {"output_text": "text", "output_audio": "audio"}
_FORMATS = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}


def older_name(kind: str) -> str | None:
    """What the beta calls an event; None if it has none of the kind."""
    if kind in ("conversation.item.done", "input_audio_buffer.timeout_triggered"):
        return None
    if kind.startswith(("mcp_", "response.mcp_")):
        return None
    return _NAMES.get(kind, kind)


def older_message(message: Mapping[str, Any]) -> Json | None:
    """An event as the beta spells it; None if it has none of the kind."""
    name = older_name(message["type"])
    if name is None:
        return None
    out = {key: _older(value) for key, value in message.items()} | {"type": name}
    if "session" in message:
        out["session"] = older_session(message["session"])
    if "response" in message:
        out["response"] = older_response(out["response"])
    return out


def older_session(shown: Mapping[str, Any]) -> Json:
    """A session object without its nested fields."""
    heard, said = shown["audio"]["input"], shown["audio"]["output"]
    newer = ("type", "audio", "output_modalities", "max_output_tokens")
    kept = {name: value for name, value in shown.items() if name not in newer}
    return kept | {
        "input_audio_format": _FORMATS[heard["format"]["type"]],
        "output_audio_format": _FORMATS[said["format"]["type"]],
        "input_audio_transcription": heard["transcription"],
        "input_audio_noise_reduction": heard["noise_reduction"],
        "turn_detection": heard["turn_detection"],
        "speed": said["speed"],
        "max_response_output_tokens": shown["max_output_tokens"],
    }


def older_response(shown: Mapping[str, Any]) -> Json:
    """A response object without its nested fields."""
    kept = {
        name: value for name, value in shown.items() if name not in ("audio", "output_modalities")
    }
    if "audio" in shown:
        said = shown["audio"]["output"]
        kept |= {"voice": said["voice"], "output_audio_format": _FORMATS[said["format"]["type"]]}
    if "output_modalities" in shown:
        speaks = "audio" in shown["output_modalities"]
        kept["modalities"] = ["audio", "text"] if speaks else ["text"]
    return kept


def _older(value: Any) -> Any:
    if isinstance(value, list):
        return [_older(entry) for entry in value]
    if isinstance(value, dict):
        return {
            key: _CONTENT.get(entry, entry)
            if key == "type" and isinstance(entry, str)
            else _older(entry)
            for key, entry in value.items()
        }
    return value
