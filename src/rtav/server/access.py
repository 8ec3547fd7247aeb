"""Who is calling: what a credential is and what it allows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.requests import Request

from rtav.errors import ProtocolError
from rtav.server.ephemeral import Grant, Sealer, Spelling, spelled
from rtav.server.keys import ApiKeys, Key, Scope

MAX_STORED_BYTES = 256 * 1024
"""Of a session configuration, as JSON: a hundred tools with their schemas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who showed a valid credential."""

    key: Key
    """The API key; the one that minted it for an ephemeral key."""
    spelling: Spelling
    grant: Grant | None = None

    @property
    def session(self) -> Mapping[str, Any]:  # Any: the client's own JSON
        """The configuration that the credential carries."""
        return self.grant.session if self.grant else {}

    def may(self, scope: Scope) -> bool:
        return scope in self.key.scopes

    def needs(self, scope: Scope) -> None:
        """Raises ProtocolError `insufficient_permissions` if the key has not this scope."""
        if not self.may(scope):
            raise ProtocolError(
                f"This API key has not the scope `{scope}`", code="insufficient_permissions"
            )

    def sees(self, key_id: str) -> bool:
        """Whether what this key made is the caller's business."""
        return self.key.id == key_id or self.may(Scope.ADMIN)


class Configurations(Protocol):
    """What client secrets stand for, by their ids. Every method raises StorageError."""

    async def put(
        self, secret_id: str, session: Mapping[str, Any], *, expires_at: datetime
    ) -> None: ...

    async def find(self, secret_id: str) -> Mapping[str, Any] | None: ...


async def _nothing() -> None:
    """Where no keys are stored, none can have been added."""


async def _always(_: Grant) -> bool:
    """Where nothing is stored, nothing is known to be spent."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Checks credentials against the keys in memory: no call waits for the database."""

    keys: ApiKeys
    sealer: Sealer
    unix: Callable[[], float] = field(repr=False)
    reload: Callable[[], Awaitable[None]] = _nothing
    """Reads the stored keys anew: one may have been made a moment ago."""
    used: Callable[[Key], None] = field(default=lambda _: None)
    """Told of each key that was shown."""
    mark_spent: Callable[[Grant], Awaitable[bool]] = _always
    """Marks a client secret as used; False if it was. Raises StorageError."""
    configurations: Configurations | None = None
    """Where what no key can carry is kept; None: nowhere."""

    def caller(self, key: str, *, origin: str | None) -> Caller:
        """Raises ProtocolError: `invalid_api_key`, `expired_client_secret`, `origin_not_allowed`.

        `origin` is the page's, None outside browsers.
        """
        if (found := self.keys.find(key)) is not None:
            self.used(found)
            return Caller(key=found, spelling=spelled(key))
        grant = self.sealer.open(key, now=self.unix())
        parent = self.keys.find_hash(grant.parent)
        if parent is None:
            raise ProtocolError("Invalid API key", code="invalid_api_key")
        if grant.origins and origin not in grant.origins:
            raise ProtocolError(
                "This key does not work from this origin", code="origin_not_allowed"
            )
        self.used(parent)
        return Caller(key=parent, spelling=spelled(key), grant=grant)

    async def known(self, key: str, *, origin: str | None) -> Caller:
        """As `caller`, but what is not in memory is looked for in the database. Raises
        StorageError if that is needed and does not answer."""
        try:
            return await self._whole(self.caller(key, origin=origin))
        except ProtocolError as error:
            if error.code != "invalid_api_key":
                raise
        await self.reload()
        return await self._whole(self.caller(key, origin=origin))

    async def _whole(self, caller: Caller) -> Caller:
        """With the configuration that its client secret stands for."""
        grant = caller.grant
        if grant is None or not grant.is_stored:
            return caller
        kept = self.configurations
        session = None if kept is None else await kept.find(grant.id)
        if session is None:
            raise ProtocolError("The client secret has expired", code="expired_client_secret")
        return replace(caller, grant=replace(grant, session=session))

    async def mint(self, grant: Grant) -> str:
        """The token of a grant, with its configuration in it or, if that is too large, stored.

        Raises ProtocolError `invalid_session` if it is too large for that, too; StorageError.
        """
        now = self.unix()
        try:
            return self.sealer.seal(grant, now=now)
        except ProtocolError:
            if self.configurations is None:
                raise
        size_bytes = len(json.dumps(grant.session))
        if size_bytes > MAX_STORED_BYTES:
            raise ProtocolError(
                f"The session configuration has {size_bytes} bytes, at most {MAX_STORED_BYTES} "
                "are kept. Send it with the call.",
                code="invalid_session",
                param="session",
            )
        token = self.sealer.seal(replace(grant, session={}, is_stored=True), now=now)
        expires_at = datetime.fromtimestamp(grant.expires_at, UTC)
        await self.configurations.put(grant.id, grant.session, expires_at=expires_at)
        return token

    async def spend(self, caller: Caller) -> None:
        """Use up a client secret that is for one call only, just before its call opens.

        Raises ProtocolError `expired_client_secret` if it has been used, and StorageError: two
        servers may be shown it at once, so only the database knows.
        """
        grant = caller.grant
        if grant is not None and grant.single_use and not await self.mark_spent(grant):
            raise ProtocolError(
                "The client secret was for one call only, and has been used",
                code="expired_client_secret",
            )

    async def request_caller(self, request: Request) -> Caller:
        """The caller of an HTTP request; raises as `caller` does."""
        return await self.known(_bearer(request), origin=request.headers.get("origin"))

    async def operator(self, request: Request) -> Caller:
        """A caller with an API key. Raises ProtocolError `insufficient_permissions` besides."""
        caller = await self.request_caller(request)
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
