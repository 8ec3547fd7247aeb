"""The servers whose tools a session may use, as its client configured them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from rtav.core.hosts import Hosts
from rtav.errors import ProtocolError
from rtav.protocol import tools as wire
from rtav.protocol.refusal import invalid

MAX_SERVERS = 16
"""Of one session, and of one response: each is a connection."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    "connection content-encoding content-length content-type expect host keep-alive "
    "mcp-protocol-version mcp-session-id proxy-connection te trailer transfer-encoding "
    "upgrade".split()
)
"""Headers by which messages are framed and sessions told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTool:
    """A tool as its server describes it. `schema` is JSON schema, as the server gave it."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, Any] | None = None

    @property
    def only_reads(self) -> bool:
        return bool((self.annotations or {}).get("readOnlyHint"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Some tools of a server; None leaves them all. A tool must fit both."""

    names: frozenset[str] | None = None
    read_only: bool | None = None

    @property
    def is_empty(self) -> bool:
        return self.names is None and self.read_only is None

    def has(self, tool: RemoteTool) -> bool:
        is_named = self.names is None or tool.name in self.names
        return is_named and self.read_only in (None, tool.only_reads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Which tools are called only when the client has agreed. Those that neither filter has need
    it, unless `always` alone says which do."""

    always: Filter | None = None
    never: Filter | None = None

    def is_needed(self, tool: RemoteTool) -> bool:
        if self.always is not None and self.always.has(tool):
            return True
        if self.never is not None:
            return self.never.is_empty or not self.never.has(tool)
        return self.always is None


ALWAYS = Approval()
NEVER = Approval(always=Filter(names=frozenset()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Two are equal if everything about them is, secrets too. What may be secret is not printed."""

    label: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    description: str | None = None
    allowed: Filter = Filter()
    approval: Approval = ALWAYS
    is_trusted: bool = False
    """The operator named its host: it may be on a private network."""
    named: tuple[tuple[str, Any], ...] = field(default=(), repr=False, hash=False)
    """What the client named of its tools and their approval, as it is shown."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def shown(self) -> dict[str, Any]:
        """As a session shows it: neither keys nor what may hold one."""
        return {
            "type": "mcp",
            "server_label": self.label,
            "server_url": _without_query(self.url),
        } | dict(self.named)


def read(
    entries: Iterable[wire.FunctionTool | wire.McpTool],
    *,
    known: Iterable[Server],
    hosts: Hosts,
    prefix: str,
) -> tuple[tuple[dict[str, Any], ...], tuple[Server, ...]]:
    """Functions as they go to a model, and servers. `known`: those that a label may refer to.

    Raises ProtocolError with the path of the field.
    """
    functions: list[dict[str, Any]] = []
    servers: dict[str, Server] = {}
    by_label = {server.label: server for server in known}
    for index, entry in enumerate(entries):
        param = f"{prefix}.tools[{index}]"
        if isinstance(entry, wire.FunctionTool):
            functions.append(entry.model_dump(exclude_none=True))
            continue
        if entry.server_label in servers:
            raise invalid("each label is named once", param=f"{param}.server_label")
        if len(servers) >= MAX_SERVERS:
            raise invalid(f"at most {MAX_SERVERS} servers", param=param)
        old = by_label.get(entry.server_label)
        servers[entry.server_label] = _server(entry, old, hosts, param)
    return tuple(functions), tuple(servers.values())


def _server(entry: wire.McpTool, old: Server | None, hosts: Hosts, param: str) -> Server:
    for kind in ("connector_id", "tunnel_id"):
        if getattr(entry, kind) is not None:
            raise invalid("this server has none; use server_url", param=f"{param}.{kind}")
    if old is not None and _refers_to(entry, old):
        return old
    if entry.server_url is None:
        raise ProtocolError(
            f"Missing required parameter: '{param}.server_url'.",
            code="missing_required_parameter",
            param=f"{param}.server_url",
        )
    is_trusted = hosts.check(entry.server_url, param=f"{param}.server_url")
    return Server(
        label=entry.server_label,
        url=entry.server_url,
        headers=_headers(entry, param),
        description=entry.server_description,
        allowed=_filter(entry.allowed_tools) or Filter(),
        approval=_approval(entry.require_approval),
        is_trusted=is_trusted,
        named=tuple(_named(entry).items()),
    )


def _refers_to(entry: wire.McpTool, old: Server) -> bool:
    """Whether an entry means a server that is known, keys and all: it names what the session shows
    of it, or nothing but the label. Whoever names more must name everything: a page with an
    ephemeral key must not use the keys of its operator for more than the operator allows."""
    named = _named(entry) | ({"server_url": entry.server_url} if entry.server_url else {})
    if entry.authorization is not None or entry.headers is not None:
        return False
    return all(old.shown.get(name) == value for name, value in named.items())


def _named(entry: wire.McpTool) -> dict[str, Any]:
    names = {"allowed_tools", "require_approval", "server_description"}
    named: dict[str, Any] = entry.model_dump(include=names, exclude_none=True)
    return named


def _approval(given: str | wire.Approval | None) -> Approval:
    if isinstance(given, wire.Approval):
        return Approval(always=_filter(given.always), never=_filter(given.never))
    return NEVER if given == "never" else ALWAYS


def _filter(given: list[str] | wire.ToolFilter | None) -> Filter | None:
    if isinstance(given, list):
        return Filter(names=frozenset(given))
    if given is None:
        return None
    names = None if given.tool_names is None else frozenset(given.tool_names)
    return Filter(names=names, read_only=given.read_only)


def _headers(entry: wire.McpTool, param: str) -> tuple[tuple[str, str], ...]:
    headers: dict[str, str] = {}
    for name, value in (entry.headers or {}).items():
        where, text = f"{param}.headers.{name}", value.get_secret_value()
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise invalid("a client cannot set this header", param=where)
        if not (text.isascii() and text.isprintable()):
            raise invalid("a header is a line of ASCII", param=where)
        headers[name.lower()] = text
    if entry.authorization is not None:
        token, where = entry.authorization.get_secret_value(), f"{param}.authorization"
        if "authorization" in headers:
            raise invalid("headers have one already", param=where)
        if not (token.isascii() and token.isprintable()):
            raise invalid("a token is a line of ASCII", param=where)
        headers["authorization"] = f"Bearer {token}"
    return tuple(headers.items())


def _without_query(url: str) -> str:
    return urlunsplit((*urlsplit(url)[:3], "", ""))
