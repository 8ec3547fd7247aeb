"""A session as its client sees it: what holds, not what was wished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rtav.core.config import SessionConfig
from rtav.core.dialect import Dialect
from rtav.core.sight import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the connection makes of a session."""

    transport: str
    expires_at: int
    """Seconds since 1970; 0: it has not begun."""
    codec: str | None = None
    """Of the picture that goes by RTP, unless it is said of the picture itself."""
    sends_pictures: bool = False
    """The picture goes in events, where it is wanted."""
    sight: Sight
    express: bool = False
    """Models are given the tool that moves the face, where the session does not say."""


def view(config: SessionConfig, dialect: Dialect, seen: Seen) -> dict[str, Any]:
    """The whole session, in OpenAI's nested and in rtAV's flat shape at once."""
    return _nested(config, dialect, seen.expires_at) | _flat(config, dialect, seen)


def _nested(config: SessionConfig, dialect: Dialect, expires_at: int) -> dict[str, Any]:
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": config.id,
        "model": config.model,
        "instructions": config.instructions,
        "output_modalities": ["audio"] if config.speaks() else ["text"],
        "tools": [*config.tools, *(server.shown for server in config.servers)],
        "tool_choice": config.tool_choice,
        "parallel_tool_calls": config.parallel_tool_calls,
        "max_output_tokens": config.max_output_tokens,
        "reasoning": config.reasoning,
        "tracing": config.tracing,
        "truncation": config.truncation,
        "prompt": config.prompt,
        "expires_at": expires_at,
        "audio": {
            "input": {
                "format": config.input_format,
                "transcription": config.transcribes(dialect),
                "noise_reduction": config.noise_reduction,
                "turn_detection": config.turn_detection.view() if config.turn_detection else None,
            },
            "output": {
                "format": config.output_format,
                "voice": config.voice,
                "speed": config.speed,
            },
        },
        "include": None if config.include is None else list(config.include),
    }


def _flat(config: SessionConfig, dialect: Dialect, seen: Seen) -> dict[str, Any]:
    return {
        "voice": config.voice,
        "face": config.face,
        "driving": config.driving if isinstance(config.driving, str) else list(config.driving),
        "modalities": config.shown_modalities(dialect, transport=seen.transport),
        "target_fps": seen.sight.fps,
        "upsample_factor": seen.sight.scale,
        "framing": seen.sight.framing,
        "background": seen.sight.background,
        "video_codec": _codec(config, dialect, seen),
        "tts_source": config.tts_source,
        "temperature": config.temperature,
        "express": seen.express if config.express is None else config.express,
        "auto_response": config.answers_by_itself(dialect),
        "dialect": str(dialect),
    }


def _codec(config: SessionConfig, dialect: Dialect, seen: Seen) -> str | None:
    """How the picture comes; before there is a connection, how it was wished."""
    if seen.codec is not None:
        return seen.sight.codec or seen.codec
    if seen.sends_pictures:
        shown = config.shows_images(dialect, transport=seen.transport)
        return "jpeg" if shown and config.speaks() else None
    return config.video_codec
