"""Turns a request into the parameters of OpenAI's chat-completion format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rtav.engines.base import LlmRequest, Message, Tool, ToolCall

Json = dict[str, Any]
"""A JSON object: the wire's, so anything may be in it."""

NO_OUTPUT = "(no result yet)"  # the caller spoke on while the tool was running
UNSEEN = "[The user sent a picture, which you cannot see.]"


def parameters(request: LlmRequest, *, sees: bool, limit_name: str) -> Json:
    """All but the model and streaming. `limit_name` is what the server calls the token limit."""
    wanted: Json = {"messages": messages(request, sees=sees)}
    if request.tools:
        wanted["tools"] = [_tool(tool) for tool in request.tools]
        wanted["tool_choice"] = _tool_choice(request.tool_choice)
        if not request.parallel_tool_calls:  # the default, and not every server knows the field
            wanted["parallel_tool_calls"] = False
    if request.temperature is not None:
        wanted["temperature"] = request.temperature
    if request.reasoning_effort is not None:
        wanted["reasoning_effort"] = request.reasoning_effort
    if request.max_output_tokens is not None:
        wanted[limit_name] = request.max_output_tokens
    return wanted


def messages(request: LlmRequest, *, sees: bool) -> list[Json]:
    """The conversation as the format allows it.

    There every tool call must be followed at once by its output, and every output must follow its
    call; in a live conversation people speak while tools run, and items get deleted.
    """
    outputs = {m.tool_call_id: m.text for m in request.messages if m.role == "tool"}
    system = [{"role": "system", "content": request.instructions}] if request.instructions else []
    conversation: list[Json] = []
    for role, group in groupby(request.messages, key=part):
        if role == "calling":
            conversation.extend(_calls(tuple(group), outputs))
        elif role == "talking":
            conversation.extend(_message(message, sees=sees) for message in group)
    return system + conversation


def part(message: Message) -> str:
    """What a message is for; outputs are written where their calls stand."""
    if message.role == "tool":
        return "output"
    return "calling" if message.tool_calls else "talking"


def _calls(calling: Sequence[Message], outputs: Mapping[str | None, str]) -> list[Json]:
    """Calls made in a row as one message, as a model makes parallel ones, and their outputs."""
    calls = [call for message in calling for call in message.tool_calls]
    text = "".join(message.text for message in calling)
    asked: Json = {
        "role": "assistant",
        "content": text or None,
        "tool_calls": [_call(call) for call in calls],
    }
    answers = (
        {
            "role": "tool",
            "tool_call_id": call.call_id,
            "content": outputs.get(call.call_id, NO_OUTPUT),
        }
        for call in calls
    )
    return [asked, *answers]


def _call(call: ToolCall) -> Json:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.call_id, "type": "function", "function": function}


def _message(message: Message, *, sees: bool) -> Json:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[Json] = [{"type": "text", "text": message.text}] if message.text else []
    for image in message.images:
        if sees:
            url = {"url": image.url, "detail": image.detail}
            parts.append({"type": "image_url", "image_url": url})
        else:
            parts.append({"type": "text", "text": UNSEEN})
    return {"role": message.role, "content": parts}


def _tool(tool: Tool) -> Json:
    schema = dict(tool.parameters) or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": schema}
    return {"type": "function", "function": function}


def _tool_choice(choice: str | Mapping[str, Any]) -> Any:  # the wire's: a word or an object
    """Realtime names the function beside the type, chat completions inside an object."""
    if isinstance(choice, str) or "function" in choice:
        return choice
    return {"type": "function", "function": {"name": choice["name"]}}
