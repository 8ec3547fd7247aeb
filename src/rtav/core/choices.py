"""Which tool a model has to call, and whether it is there to be called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from rtav.core.config import SessionConfig
from rtav.protocol.refusal import invalid

Choice = str | Mapping[str, Any]
"""`none`, `auto`, `required`, one function by its name, or the tools of one server."""


def is_remote(choice: object) -> TypeGuard[dict[str, Any]]:
    """Whether tools of a server are chosen."""
    return isinstance(choice, dict) and choice["type"] == "mcp"


def check(choice: Choice | None, config: SessionConfig, *, prefix: str) -> None:
    """Raises ProtocolError for a function or a server that the configuration does not have."""
    name, param = _function(choice), f"{prefix}.tool_choice"
    if is_remote(choice):
        label = choice["server_label"]
        if all(server.label != label for server in config.servers):
            raise invalid(f"no server has the label '{label}'", param=f"{param}.server_label")
    elif name is not None and not _is_among(name, config.tools):
        raise invalid(f"no function has the name '{name}'", param=f"{param}.name")


def among(choice: Choice, tools: Iterable[Mapping[str, Any]]) -> Choice:
    """The choice there is: of a function that is not there any more the model is free to decide."""
    name = _function(choice)
    return choice if name is None or _is_among(name, tools) else "auto"


def _function(choice: Choice | None) -> str | None:
    if choice is None or isinstance(choice, str) or choice["type"] != "function":
        return None
    return str(choice["name"])


def _is_among(name: str, tools: Iterable[Mapping[str, Any]]) -> bool:
    return any(tool["name"] == name for tool in tools)
