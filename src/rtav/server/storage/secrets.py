"""The configurations of client secrets that no key can carry, until they expire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from rtav.server.storage.database import Database
from rtav.server.storage.tables import client_secrets

Json = Mapping[str, Any]  # Any: the client's own JSON


class SecretTable:
    """Every method is one transaction and raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, secret_id: str, session: Json, *, expires_at: datetime) -> None:
        row = {"id": secret_id, "session": dict(session), "expires_at": expires_at}
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(client_secrets).values(row))

    async def find(self, secret_id: str) -> Json | None:
        """What this secret's calls begin with; None if it has expired long enough to be gone."""
        query = select(client_secrets.c.session).where(client_secrets.c.id == secret_id)
        async with self._database.reading() as connection:
            found: Json | None = (await connection.execute(query)).scalar_one_or_none()
        return found

    async def forget(self, *, now: datetime) -> None:
        """Delete those that have expired."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(client_secrets).where(client_secrets.c.expires_at <= now)
            )
