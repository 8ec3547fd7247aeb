"""The remote tools that a model is offered, and the names it knows them by."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtav.core.servers import RemoteTool, Server
from rtav.errors import ProtocolError
from rtav.protocol.wire import check_sendable

MAX_TOOLS = 128
"""Of one server: a model chooses badly among more, and OpenAI's takes no more."""

MAX_LISTING = 192 * 1024
"""Characters of one server's tools as they are written: browsers take events of 256 KiB."""

MAX_NAME = 64
"""Of a function's name in OpenAI's chat completions."""

MAX_TOOL_NAME = 128
"""Of a tool's name as its server gives it; the protocol recommends no more."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool of a server, as a model is offered it."""

    server: Server
    tool: RemoteTool

    @property
    def needs_approval(self) -> bool:
        return self.server.approval.is_needed(self.tool)


def chosen(tools: Iterable[RemoteTool], server: Server) -> tuple[list[RemoteTool], int]:
    """Those of a server's tools that a session uses, and how many had to be left out: because
    there are too many, or they cannot be sent on."""
    kept: dict[str, RemoteTool] = {}
    left_out, room = 0, MAX_LISTING
    for tool in tools:
        if not server.allowed.has(tool):
            continue
        size = _size(tool)
        if size > room or len(kept) >= MAX_TOOLS or tool.name in kept:
            left_out += 1
            continue
        room -= size
        kept[tool.name] = tool
    return list(kept.values()), left_out


def as_json(tool: RemoteTool) -> dict[str, Any]:
    """As an `mcp_list_tools` item has it."""
    shown = {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}
    return shown | ({} if tool.annotations is None else {"annotations": dict(tool.annotations)})


def offers(
    servers: Iterable[Server],
    listed: Mapping[Server, Sequence[RemoteTool]],
    *,
    taken: Collection[str],
) -> dict[str, Offer]:
    """What a model may call of these servers, by the name it calls it by: the tool's own, if that
    is a name for a function and nothing else has it, otherwise the server's label before it."""
    named: dict[str, Offer] = {}
    for server in servers:
        for tool in listed.get(server, ()):
            name = _fitting(tool.name)
            if name in taken or name in named:
                name = _unique(f"{server.label}_{tool.name}", {*taken, *named})
            named[name] = Offer(server, tool)
    return named


def function(name: str, offer: Offer) -> dict[str, Any]:
    """An offer as a model is told of it."""
    about = offer.server.description
    where = f"({offer.server.label}: {about})" if about else ""
    return {
        "type": "function",
        "name": name,
        "description": " ".join(part for part in (offer.tool.description, where) if part),
        "parameters": {"type": "object", "properties": {}} | dict(offer.tool.schema),
    }


def _size(tool: RemoteTool) -> int:
    """How long it is as it is written; more than anything has room for if it is of no use."""
    shown = as_json(tool)
    try:
        check_sendable(shown)
    except ProtocolError:
        return MAX_LISTING + 1
    is_named = 0 < len(tool.name) <= MAX_TOOL_NAME
    return len(json.dumps(shown)) if is_named and _describes(tool.schema) else MAX_LISTING + 1


def _describes(schema: Mapping[str, Any]) -> bool:
    """Whether it says that there are arguments: a model's server refuses all tools for one that
    does not."""
    is_object = schema.get("type", "object") == "object"
    return is_object and isinstance(schema.get("properties", {}), dict)


def _fitting(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MAX_NAME]


def _unique(name: str, taken: Collection[str]) -> str:
    fitting = _fitting(name)
    number = 2
    found = fitting
    while found in taken:
        ending = f"_{number}"
        found, number = fitting[: MAX_NAME - len(ending)] + ending, number + 1
    return found
