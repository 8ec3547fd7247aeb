"""Tools as a client names them: functions of its own, and servers whose tools we call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from rtav.protocol.wire import Wire

MAX_TOOLS = 256
"""Entries of one list; the tools of a server are not entries."""

Name = Annotated[str, Field(min_length=1, max_length=128)]
Names = Annotated[list[Name], Field(max_length=MAX_TOOLS, fail_fast=True)]
Secret = Annotated[SecretStr, Field(max_length=8192)]


class FunctionTool(Wire):
    type: Literal["function"] = "function"
    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolFilter(Wire):
    """Some tools of a server: all that is named holds for each of them."""

    tool_names: Names | None = None
    read_only: bool | None = None


class Approval(Wire):
    always: ToolFilter | None = None
    never: ToolFilter | None = None


class McpTool(Wire):
    """A server of tools. Its secrets are sealed in `SecretStr`, so that no log shows them."""

    type: Literal["mcp"]
    server_label: Annotated[str, Field(min_length=1, max_length=64)]
    server_url: Annotated[str, Field(max_length=2048)] | None = None
    authorization: Secret | None = None
    headers: Annotated[dict[Name, Secret], Field(max_length=32)] | None = None
    allowed_tools: Names | ToolFilter | None = None
    require_approval: Literal["always", "never"] | Approval | None = None
    server_description: Annotated[str, Field(max_length=1024)] | None = None
    connector_id: str | None = None
    tunnel_id: str | None = None


def _with_type(raw: object) -> object:
    """A tool without a type is a function."""
    return {"type": "function", **raw} if isinstance(raw, dict) else raw


Tool = Annotated[
    Annotated[FunctionTool | McpTool, Field(discriminator="type")], BeforeValidator(_with_type)
]
Tools = Annotated[list[Tool], Field(fail_fast=True)]
