"""The caller's turn: its phases and what leads from one to the next."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    QUIET = "quiet"
    ONSET = "onset"
    """A sound has begun that may be speech."""
    SPEAKING = "speaking"
    PAUSED = "paused"
    """Silent long enough to start on an answer, not long enough to give it."""


class Edge(StrEnum):
    VOICE = "voice"
    CONFIRMED = "confirmed"
    """The sound is a turn."""
    ABANDONED = "abandoned"
    """The sound was a noise, or a word of encouragement."""
    SILENCE = "silence"
    RESUMED = "resumed"
    ENDED = "ended"


TRANSITIONS: dict[tuple[Phase, Edge], Phase] = {
    (Phase.QUIET, Edge.VOICE): Phase.ONSET,
    (Phase.ONSET, Edge.CONFIRMED): Phase.SPEAKING,
    (Phase.ONSET, Edge.ABANDONED): Phase.QUIET,
    (Phase.SPEAKING, Edge.SILENCE): Phase.PAUSED,
    (Phase.PAUSED, Edge.RESUMED): Phase.SPEAKING,
    (Phase.PAUSED, Edge.ENDED): Phase.QUIET,
}
