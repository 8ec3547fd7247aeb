"""Turns a request into the parameters of Anthropic's messages format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rtav.engines.base import SILENT, Image, LlmRequest, Message, Tool
from rtav.engines.llm.chat import NO_OUTPUT, UNSEEN, Json, part

_IDS = re.compile(r"[^a-zA-Z0-9_-]")
"""What the format does not allow in the id of a tool call."""

_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_EFFORTS = {"minimal": "low"}  # the format's words begin at `low`
_HOTTEST = 1.0  # OpenAI's temperatures reach 2


def parameters(request: LlmRequest, *, sees: bool, max_tokens: int) -> Json:
    """All but the model and streaming. `max_tokens` is for a request without a limit: the format
    wants one."""
    system, turns = conversation(request, sees=sees)
    wanted: Json = {
        "messages": turns,
        "max_tokens": request.max_output_tokens or max_tokens,
        **tools(request),
    }
    if system:
        wanted["system"] = system
    return wanted


def wishes(request: LlmRequest) -> Json:
    """What only some models take."""
    wanted: Json = {}
    if request.temperature is not None:
        wanted["temperature"] = min(request.temperature, _HOTTEST)
    if (effort := request.reasoning_effort) is not None:
        wanted["output_config"] = {"effort": _EFFORTS.get(effort, effort)}
    return wanted


def conversation(request: LlmRequest, *, sees: bool) -> tuple[str, list[Json]]:
    """The system prompt, and turns of the user and the model that alternate.

    The format wants the user's turn first and last, and every output of a tool directly behind its
    call. What the operator says before anybody has spoken belongs to the prompt; later on it stands
    where it was said, marked as the operator's.
    """
    messages = request.messages
    begun = next((n for n, m in enumerate(messages) if m.role != "system"), len(messages))
    system = [request.instructions, *(message.text for message in messages[:begun])]
    turns: list[Json] = []
    for role, blocks in _spoken(messages[begun:], sees=sees):
        _append(turns, role, blocks)
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": [_text(SILENT)]})
    if turns[-1]["role"] != "user":
        turns.append({"role": "user", "content": [_text(SILENT)]})
    # The next turn repeats all of this: it is read again from the server's cache.
    turns[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    return "\n\n".join(text for text in system if text.strip()), turns


def tools(request: LlmRequest) -> Json:
    """The tools and which to call. Calls of the past must have tools, even if none is offered."""
    if not request.tools:
        called = {call.name for message in request.messages for call in message.tool_calls}
        known = [_tool(Tool(name=name)) for name in sorted(called)]
        return {"tools": known, "tool_choice": {"type": "none"}} if known else {}
    choice = _choice(request.tool_choice)
    if not request.parallel_tool_calls and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": [_tool(tool) for tool in request.tools], "tool_choice": choice}


def _spoken(messages: Sequence[Message], *, sees: bool) -> Iterator[tuple[str, list[Json]]]:
    outputs = {m.tool_call_id: m.text for m in messages if m.role == "tool"}
    for kind, group in groupby(messages, key=part):
        if kind == "calling":
            yield from _calls(tuple(group), outputs)
        elif kind == "talking":
            for message in group:
                role = "assistant" if message.role == "assistant" else "user"
                yield role, _blocks(message, sees=sees)


def _append(turns: list[Json], role: str, blocks: list[Json]) -> None:
    """To the turn that goes on, or as a new one; a turn may not be empty."""
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"].extend(blocks)
    else:
        turns.append({"role": role, "content": blocks})


def _calls(
    calling: Sequence[Message], outputs: Mapping[str | None, str]
) -> Iterator[tuple[str, list[Json]]]:
    """Calls made in a row, then all their outputs."""
    calls = [call for message in calling for call in message.tool_calls]
    uses: list[Json] = [
        {
            "type": "tool_use",
            "id": _IDS.sub("_", call.call_id),
            "name": call.name,
            "input": _input(call.arguments),
        }
        for call in calls
    ]
    results: list[Json] = [
        {
            "type": "tool_result",
            "tool_use_id": _IDS.sub("_", call.call_id),
            "content": outputs.get(call.call_id, NO_OUTPUT),
        }
        for call in calls
    ]
    text = "".join(message.text for message in calling)
    yield "assistant", [*([_text(text)] if text.strip() else []), *uses]
    yield "user", results


def _input(arguments: str) -> Json:
    """The format wants an object; what a model broke off is shown to it as it is."""
    try:
        read = json.loads(arguments or "{}")
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"unreadable": arguments}


def _blocks(message: Message, *, sees: bool) -> list[Json]:
    if not message.text.strip():
        said = []
    elif message.role == "system":
        said = [_text(f"<system>\n{message.text}\n</system>")]
    else:
        said = [_text(message.text)]
    return said + [_image(image) if sees else _text(UNSEEN) for image in message.images]


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _image(image: Image) -> Json:
    """`data:image/png;base64,…` is taken apart; any other URL is the server's to fetch."""
    if image.url[:5].lower() != "data:":
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    head, _, data = image.url.partition(",")
    kind = head[5:].partition(";")[0].lower().replace("image/jpg", "image/jpeg")
    source = {"type": "base64", "media_type": kind, "data": data}
    return {"type": "image", "source": source}


def _tool(tool: Tool) -> Json:
    schema = {"type": "object", "properties": {}, **tool.parameters}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _choice(choice: str | Mapping[str, Any]) -> Json:  # Any: the wire's object
    if isinstance(choice, str):
        return {"type": _CHOICES[choice]}
    return {"type": "tool", "name": choice.get("function", choice)["name"]}
