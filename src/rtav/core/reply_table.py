"""A reply's life: on the wire, and at the caller's ear."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """What the client knows of a reply."""

    GUESSED = "guessed"
    """Begun while the caller may still go on: nothing is sent, nothing is played."""
    OPEN = "open"
    CLOSED = "closed"
    """`response.done` has been sent."""


class Step(StrEnum):
    CREATED = "created"
    DONE = "done"


STAGES: dict[tuple[Stage, Step], Stage] = {
    (Stage.GUESSED, Step.CREATED): Stage.OPEN,
    (Stage.OPEN, Step.DONE): Stage.CLOSED,
}


class Sound(StrEnum):
    """What the caller hears of a reply."""

    WAITING = "waiting"
    PLAYING = "playing"
    OVER = "over"
    """Through to its last sample, or cut, or there never was any."""


class Cue(StrEnum):
    FIRST_SAMPLE = "first sample"
    LAST_SAMPLE = "last sample"
    CUT = "cut"
    NOTHING_TO_PLAY = "nothing to play"


SOUNDS: dict[tuple[Sound, Cue], Sound] = {
    (Sound.WAITING, Cue.FIRST_SAMPLE): Sound.PLAYING,
    (Sound.WAITING, Cue.CUT): Sound.OVER,
    (Sound.WAITING, Cue.NOTHING_TO_PLAY): Sound.OVER,
    (Sound.PLAYING, Cue.LAST_SAMPLE): Sound.OVER,
    (Sound.PLAYING, Cue.CUT): Sound.OVER,
}
