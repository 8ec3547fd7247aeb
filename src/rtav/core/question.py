"""What a reply was asked, and what came of it that the client does not see."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtav.core import inputs as told
from rtav.core.config import SessionConfig
from rtav.core.outputs import Ask
from rtav.core.toolbox import Offer
from rtav.protocol.client import ResponseParams

Held = told.ReplyToolCall | told.ReplyFailed


@dataclass(slots=True)
class Gesture:
    """A call of `express`."""

    after: int
    """Characters of the reply's text that stood before it."""
    arguments: str = ""


@dataclass(slots=True, kw_only=True)
class Question:
    """What a reply was asked, so that it can be asked on after the face has moved."""

    params: ResponseParams
    config: SessionConfig
    """As it was when the reply was begun: a change holds from the next one on."""
    asked: Ask | None = None
    """How it was put the first time; None: not yet, or it was too long to be put at all."""
    put: Ask | None = None
    """How it was put last."""
    offers: dict[str, Offer] = field(default_factory=dict)
    """The remote tools that the model was offered, by the name it calls them by."""
    gestures: dict[tuple[int, int], Gesture] = field(default_factory=dict)
    """By round and index."""
    played: set[tuple[int, int]] = field(default_factory=set)
    rounds: int = 0
    held: list[Held] = field(default_factory=list)
    """What has an effect outside and came while the reply was a guess."""

    @property
    def only_moved(self) -> bool:
        """Of tools, the face's alone was called."""
        return bool(self.gestures) and not any(
            isinstance(event, told.ReplyToolCall) for event in self.held
        )
