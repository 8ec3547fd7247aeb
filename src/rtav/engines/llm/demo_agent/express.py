"""Moves the face, through the tool that the server offers for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rtav.engines.base import Tool
from rtav.engines.llm.demo_agent.talk import Reply, Skill, Talk, turned

TOOL = "express"
"""The name of the server's own tool; its one argument is `motion`, a name from the assets."""

_DONE = {
    "Wink": ("There you go. Between you and me.", "There. Did you catch it?"),
    "AgreeYesTotaly": ("Yes, totally.", "I could not agree more, whatever it was."),
    "SmileTeeth": ("There you go. It suits me, I am told.", "Cheese."),
    "IdleListeningEncouraging": ("I am all ears.", "Go on, I am listening."),
    "default": ("Back to my usual self.",),
}
_DONE_ANY = ("There you go.",)


def make(motion: str) -> Skill:
    """A skill that shows `motion`, or says why it cannot."""

    def show(talk: Talk) -> Reply:
        tool = next((tool for tool in talk.tools if tool.name == TOOL), None)
        if tool is None:
            return Reply(text="I would, but in this conversation my face is not mine to move.")
        offered = _offered(tool)
        name = next((m for m in offered if m.lower() == motion.lower()), None)
        if offered and name is None:
            return Reply(text="I would, but this face has not learnt that one yet.")
        return Reply(tool=TOOL, arguments=json.dumps({"motion": name or motion}))

    return show


def done(talk: Talk, arguments: str) -> Reply:
    """What to say once the motion plays."""
    motion = _motion(arguments)
    return Reply(text=turned(talk, _DONE.get(motion, _DONE_ANY)))


def _motion(arguments: str) -> str:
    try:
        return str(json.loads(arguments)["motion"])
    except (ValueError, KeyError, TypeError):
        return ""


def _offered(tool: Tool) -> tuple[str, ...]:
    """The motions the tool's schema lists; empty if it lists none."""
    schema: Any = tool.parameters  # a JSON schema: anything may be in it
    for key in ("properties", "motion", "enum"):
        schema = schema.get(key) if isinstance(schema, Mapping) else None
    return tuple(map(str, schema)) if isinstance(schema, list | tuple) else ()
