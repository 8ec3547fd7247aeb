"""What is stored, as the rest of the server sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Status = Literal["active", "ended", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one session used. Tokens are None where the model did not count them."""

    audio_input_seconds: float = 0.0
    audio_output_seconds: float = 0.0
    video_seconds: float = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None

    def plus(self, more: Usage) -> Usage:
        """Both together, for a session of several calls."""
        return Usage(
            audio_input_seconds=round(self.audio_input_seconds + more.audio_input_seconds, 3),
            audio_output_seconds=round(self.audio_output_seconds + more.audio_output_seconds, 3),
            video_seconds=round(self.video_seconds + more.video_seconds, 3),
            input_tokens=_sum(self.input_tokens, more.input_tokens),
            output_tokens=_sum(self.output_tokens, more.output_tokens),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One session. Times are aware, in UTC."""

    id: str
    key_id: str
    config: Mapping[str, Any]  # Any: the wire's JSON
    """What the API shows of its configuration."""
    status: Status
    created_at: datetime
    started_at: datetime
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    usage: Usage | None = None
    """None until it has ended."""


AssetKind = Literal["face", "voice", "driving", "background"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRecord:
    """Something that a key's owner has uploaded."""

    id: str
    key_id: str
    kind: AssetKind
    name: str
    size_bytes: int
    """Of its files as they are kept."""
    facts: Mapping[str, Any]  # Any: JSON
    """What else its entry in the lists shows."""
    created_at: datetime
    deleted_at: datetime | None = None
    """Nobody can name it from then on; calls that were there before go on with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `start` on, up to and without `end`; None is open."""

    start: datetime | None = None
    end: datetime | None = None


def _sum(first: int | None, second: int | None) -> int | None:
    counts = [count for count in (first, second) if count is not None]
    return sum(counts) if counts else None
