"""How a model moves the face: by a tool that the client never sees, and by cues in its text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rtav.core.common import Common
from rtav.core.config import SessionConfig
from rtav.core.outputs import Drive

NAME = "express"


def is_offered(config: SessionConfig, common: Common) -> bool:
    """Whether models are given the tool: the session says so, or else the operator."""
    return common.policy.offers_motions if config.express is None else config.express


def play(name: str, common: Common) -> None:
    """Play a motion once, then go on with what the session loops. Unknown ones are ignored: it was
    the model that asked, not the client."""
    motion = common.catalog.motions.find(name)
    if motion is not None:
        common.put(Drive((motion, common.config.motions[-1])))


def tool(motions: Iterable[str]) -> dict[str, Any]:
    return {
        "type": "function",
        "name": NAME,
        "description": (
            "Play a gesture of your face once, such as a wink, a nod or a smile. To play one at a "
            "certain word of what you say, write its name in brackets before that word instead: "
            "[Wink]. It is not read out."
        ),
        "parameters": {
            "type": "object",
            "properties": {"motion": {"type": "string", "enum": sorted(motions)}},
            "required": ["motion"],
        },
    }


def motion(arguments: str) -> str | None:
    """The motion a call asks for; None if its arguments are not what the tool takes."""
    try:
        asked = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    name = asked.get("motion") if isinstance(asked, dict) else None
    return name if isinstance(name, str) else None
