"""The tool by which a model moves the face; the client never sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

NAME = "express"


def tool(motions: Iterable[str]) -> dict[str, Any]:
    return {
        "type": "function",
        "name": NAME,
        "description": "Play a gesture of your face once, such as a wink, a nod or a smile.",
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
