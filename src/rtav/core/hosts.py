"""Which servers of tools a client may name: it is this server that opens the connection."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from rtav.protocol.refusal import invalid

ANY_PUBLIC = "*"


@dataclass(frozen=True, slots=True)
class Hosts:
    """What the operator allows: patterns of hosts, or of hosts and ports (`tools.lan:8080`).

    `*` allows what is public, by https. A host that is named otherwise may also be on a private
    network and be asked by plain http.
    """

    allowed: tuple[str, ...] = (ANY_PUBLIC,)

    def check(self, url: str, *, param: str) -> bool:
        """Whether the operator named the host of this URL. Raises ProtocolError if it may not be
        asked. What a name stands for is for the one to check who looks it up."""
        parts = _split(url, param)
        host = (parts.hostname or "").rstrip(".")
        if self._names(host, parts.port):
            return True
        if ANY_PUBLIC not in self.allowed or _is_private(host):
            raise invalid(
                f"this server does not connect to '{host}'. Its operator can allow it: "
                "mcp.allowed_hosts",
                param=param,
            )
        if parts.scheme != "https":
            raise invalid("it must begin with https://", param=param)
        return False

    def _names(self, host: str, port: int | None) -> bool:
        named = [pattern.lower() for pattern in self.allowed if pattern != ANY_PUBLIC]
        return any(
            fnmatchcase(written, pattern)
            for pattern in named
            for written in (host, f"{host}:{port}")
        )


PUBLIC = Hosts()


def _split(url: str, param: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is parsed when it is asked for
    except ValueError:
        raise invalid("it is no URL", param=param) from None
    if parts.scheme not in ("https", "http") or not parts.hostname or not url.isprintable():
        raise invalid("it must be an http URL with a host", param=param)
    if parts.username is not None or parts.password is not None:
        raise invalid("a key belongs into 'authorization' or 'headers'", param=param)
    return parts


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False  # a name: what it stands for is checked when it is looked up
