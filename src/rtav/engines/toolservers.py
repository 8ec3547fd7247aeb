"""What connects calls to servers of remote tools: one connection per call and server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server of tools is, and what is sent along with every request."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    may_be_private: bool = False
    """It may be on a loopback or private network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInfo:
    """A tool as its server describes it. `schema` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, Any] | None = None


class ToolSession(Protocol):
    """A connection. Its methods may run at the same time, in any task; all raise ToolFailed."""

    async def tools(self) -> Sequence[ToolInfo]: ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The output as text. Waits as long as the tool takes: the caller limits that."""


class ToolServers(Protocol):
    def connect(self, address: Address) -> AbstractAsyncContextManager[ToolSession]:
        """Entering connects, and raises ToolFailed if that fails; leaving disconnects. Both in
        the same task."""
