"""A session as its client sees it."""

from __future__ import annotations

from typing import Any

from rtav.core.config import SessionConfig
from rtav.core.dialect import Dialect


def view(
    config: SessionConfig, dialect: Dialect, *, transport: str, expires_at: int
) -> dict[str, Any]:
    """The whole session, in OpenAI's nested and in rtAV's flat shape at once."""
    detection = config.turn_detection.view() if config.turn_detection else None
    output = ["audio"] if config.speaks() else ["text"]
    shown = {
        "type": "realtime",
        "object": "realtime.session",
        "id": config.id,
        "model": config.model,
        "instructions": config.instructions,
        "output_modalities": output,
        "tools": list(config.tools),
        "tool_choice": config.tool_choice,
        "max_output_tokens": config.max_output_tokens,
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": expires_at,
        "audio": {
            "input": {
                "format": config.input_format,
                "transcription": config.transcribes(dialect),
                "noise_reduction": config.noise_reduction,
                "turn_detection": detection,
            },
            "output": {
                "format": config.output_format,
                "voice": config.voice,
                "speed": config.speed,
            },
        },
        "include": None if config.include is None else list(config.include),
    }
    return shown | dict(config.echoed) | _flat(config, dialect, transport=transport)


def _flat(config: SessionConfig, dialect: Dialect, *, transport: str) -> dict[str, Any]:
    out: dict[str, Any] = {
        "voice": config.voice,
        "face": config.face,
        "driving": config.driving if isinstance(config.driving, str) else list(config.driving),
        "modalities": config.shown_modalities(dialect, transport=transport),
        "target_fps": config.target_fps,
        "upsample_factor": config.upsample_factor,
        "video_codec": config.video_codec,
        "tts_source": config.tts_source,
        "temperature": config.temperature,
        "auto_response": config.answers_by_itself(dialect),
        "dialect": str(dialect),
    }
    if dialect is Dialect.BETA:
        out["turn_detection"] = config.turn_detection.view() if config.turn_detection else None
        out["input_audio_transcription"] = config.transcribes(dialect)
    return out
