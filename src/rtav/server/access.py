"""Who is calling: what a credential is and what it allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from rtav.errors import ProtocolError
from rtav.server.ephemeral import Grant, Sealer, Spelling, spelled
from rtav.server.keys import ApiKeys, hashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who showed a valid credential."""

    key_hash: str
    """Of the API key; of the one that minted it for an ephemeral key."""
    spelling: Spelling
    grant: Grant | None = None

    @property
    def session(self) -> Mapping[str, Any]:  # Any: the client's own JSON
        """The configuration that the credential carries."""
        return self.grant.session if self.grant else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Checks credentials. Safe from any thread."""

    keys: ApiKeys
    sealer: Sealer
    unix: Callable[[], float] = field(repr=False)

    def caller(self, key: str, *, origin: str | None) -> Caller:
        """Raises ProtocolError: `invalid_api_key`, `expired_client_secret`, `origin_not_allowed`.

        `origin` is the page's, None outside browsers.
        """
        if self.keys.knows(key):
            return Caller(key_hash=hashed(key), spelling=spelled(key))
        grant = self.sealer.open(key, now=self.unix())
        if not self.keys.knows_hash(grant.parent):
            raise ProtocolError("Invalid API key", code="invalid_api_key")
        if grant.origins and origin not in grant.origins:
            raise ProtocolError(
                "This key does not work from this origin", code="origin_not_allowed"
            )
        return Caller(key_hash=grant.parent, spelling=spelled(key), grant=grant)

    def request_caller(self, request: Request) -> Caller:
        """The caller of an HTTP request; raises as `caller` does."""
        return self.caller(_bearer(request), origin=request.headers.get("origin"))

    def operator(self, request: Request) -> Caller:
        """A caller with an API key. Raises ProtocolError `insufficient_permissions` besides."""
        caller = self.request_caller(request)
        if caller.grant is not None:
            raise ProtocolError(
                "A client secret cannot do this; use an API key", code="insufficient_permissions"
            )
        return caller


def _bearer(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ProtocolError(
            "Invalid API key: send it as `Authorization: Bearer <key>`", code="invalid_api_key"
        )
    return key.strip()
