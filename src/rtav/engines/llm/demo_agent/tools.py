"""Calls the client's tools when asked to by name: a script can at least exercise them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from rtav.engines.base import Message, Tool, ToolCall
from rtav.engines.llm.demo_agent import express
from rtav.engines.llm.demo_agent.talk import Reply, Talk

MAX_SPOKEN = 200  # characters of a tool's output that are read out

_CALL = re.compile(
    r"\s*(?:please |can you |could you )*call (?:the )?(.+)", re.IGNORECASE | re.DOTALL
)


def called_by_name(talk: Talk) -> Reply | None:
    """ "call get_weather with {"city": "Oslo"}": the call; None if no such tool was named."""
    match = _CALL.match(talk.heard)
    tool = match and _named(talk.tools, match[1])
    if not match or not tool:
        return None
    _, _, given = match[1].partition(" with ")
    try:
        arguments = json.loads(given) if given.strip() else {}
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        return Reply(text=f"To call {tool.name} I need its arguments as a JSON object.")
    return Reply(tool=tool.name, arguments=json.dumps(arguments))


def required(talk: Talk) -> Reply | None:
    """The call that `tool_choice` demands, without arguments; None if it demands none."""
    choice = talk.request.tool_choice
    if choice == "required":
        name = next((tool.name for tool in talk.tools), None)
    elif isinstance(choice, Mapping):
        name = choice.get("name") or choice.get("function", {}).get("name")
    else:
        name = None
    return None if name is None else called_by_name(talk) or Reply(tool=name)


def answered(talk: Talk, output: Message) -> Reply:
    """What to say about the output of a tool."""
    call = _call_of(talk, output)
    if call is not None and call.name == express.TOOL:
        return express.done(talk, call.arguments)
    name = call.name if call else "The tool"
    text = " ".join(output.text.split())
    if not text:
        return Reply(text=f"{name} is done and had nothing to say.")
    if len(text) > MAX_SPOKEN:
        text = text[:MAX_SPOKEN].rsplit(" ", 1)[0] + ", and so on"
    return Reply(text=f"{name} says: {text}")


def _call_of(talk: Talk, output: Message) -> ToolCall | None:
    calls = (call for message in talk.messages for call in message.tool_calls)
    return next((call for call in calls if call.call_id == output.tool_call_id), None)


def _named(tools: tuple[Tool, ...], text: str) -> Tool | None:
    """The tool whose name `text` begins with; a recogniser writes no underscores."""
    spoken = _spoken(text)
    names = sorted(tools, key=lambda tool: -len(tool.name))
    return next((t for t in names if f"{spoken} ".startswith(_spoken(t.name) + " ")), None)


def _spoken(name: str) -> str:
    return re.sub(r"[\s_.-]+", " ", name.lower()).strip()
