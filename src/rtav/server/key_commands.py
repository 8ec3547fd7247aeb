"""What `rtav keys` does: makes, lists and revokes keys in the server's database."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from rtav import clock, log
from rtav.errors import ConfigError
from rtav.server.books import storage_url
from rtav.server.keys import Key, KeyLimits, Scope, generate, hashed
from rtav.server.storage.database import StorageError, opened
from rtav.server.storage.keys import KeyTable
from rtav.settings import Settings

R = TypeVar("R")


def create(
    settings: Settings, *, name: str, scopes: Sequence[Scope], limits: KeyLimits
) -> tuple[Key, str]:
    """A new key: what is stored of it, and the key itself, which is stored nowhere.

    Raises ConfigError.
    """
    secret = generate()
    key = Key(
        id="key_" + secrets.token_hex(8),
        name=name,
        hash=hashed(secret),
        scopes=frozenset(scopes),
        limits=limits,
        created_at=clock.wall(),
    )
    _with_table(settings, lambda table: table.add(key))
    return key, secret


def all_keys(settings: Settings) -> Sequence[Key]:
    """Every key, revoked ones too, the oldest first. Raises ConfigError."""
    return _with_table(settings, lambda table: table.all())


def revoke(settings: Settings, key_id: str) -> bool:
    """False if there is no such key. Raises ConfigError."""
    return _with_table(settings, lambda table: table.revoke(key_id, at=clock.wall()))


def _with_table(settings: Settings, work: Callable[[KeyTable], Awaitable[R]]) -> R:
    async def run() -> R:
        async with opened(storage_url(settings)) as database:
            return await work(KeyTable(database))

    log.configure(level="ERROR")
    try:
        return asyncio.run(run())
    except StorageError as error:
        raise ConfigError("storage.url", f"the database does not answer: {error}") from None
