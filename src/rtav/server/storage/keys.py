"""The table of API keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from rtav.server.keys import Key, KeyLimits, Scope
from rtav.server.storage.database import Database
from rtav.server.storage.tables import api_keys


class KeyTable:
    """Every method is one transaction and raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: Key) -> None:
        async with self._database.writing() as connection:
            await connection.execute(insert(api_keys).values(_row(key)))

    async def all(self) -> Sequence[Key]:
        """Every key, revoked ones too, the oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
            )
            return [_key(row) for row in rows.mappings()]

    async def revoke(self, key_id: str, *, at: datetime) -> bool:
        """False if there is no such key. The first revocation's time stays."""
        async with self._database.writing() as connection:
            known = await connection.scalar(select(api_keys.c.id).where(api_keys.c.id == key_id))
            await connection.execute(
                update(api_keys)
                .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )
        return known is not None

    async def used(self, uses: Mapping[str, datetime]) -> None:
        """Note when keys were last used, by their ids."""
        async with self._database.writing() as connection:
            for key_id, at in uses.items():
                await connection.execute(
                    update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=at)
                )


def _row(key: Key) -> dict[str, Any]:  # Any: column values
    return {
        "id": key.id,
        "name": key.name,
        "hash": key.hash,
        "scopes": sorted(key.scopes),
        "max_calls": key.limits.max_calls,
        "calls_per_minute": key.limits.calls_per_minute,
        "max_minutes": key.limits.max_minutes,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _key(row: RowMapping) -> Key:
    return Key(
        id=row["id"],
        name=row["name"],
        hash=row["hash"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        limits=KeyLimits(
            max_calls=row["max_calls"],
            calls_per_minute=row["calls_per_minute"],
            max_minutes=row["max_minutes"],
        ),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
