"""The table of uploaded faces, voices and driving motions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, exists, func, insert, select, update

from rtav.server.storage.database import Database
from rtav.server.storage.records import AssetRecord
from rtav.server.storage.tables import assets, sessions

Version = tuple[int, datetime | None, datetime | None]


class AssetTable:
    """Every method is one transaction and raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: AssetRecord) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                insert(assets).values(
                    id=record.id,
                    key_id=record.key_id,
                    kind=record.kind,
                    name=record.name,
                    size_bytes=record.size_bytes,
                    facts=dict(record.facts),
                    created_at=record.created_at,
                    deleted_at=record.deleted_at,
                )
            )

    async def all(self) -> Sequence[AssetRecord]:
        """Every asset, deleted ones whose files are still there too, the oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(assets).order_by(assets.c.created_at, assets.c.id)
            )
            return [AssetRecord(**row) for row in rows.mappings()]

    async def version(self) -> Version:
        """Equal as long as nothing has been added, deleted or forgotten."""
        async with self._database.reading() as connection:
            row = await connection.execute(
                select(
                    func.count(), func.max(assets.c.created_at), func.max(assets.c.deleted_at)
                ).select_from(assets)
            )
            count, created, deleted = row.one()
        return count, created, deleted

    async def delete(self, asset_id: str, *, at: datetime) -> None:
        """From now on nobody can name it."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(assets)
                .where(assets.c.id == asset_id, assets.c.deleted_at.is_(None))
                .values(deleted_at=at)
            )

    async def unused(self, *, deleted_before: datetime) -> Sequence[AssetRecord]:
        """Deleted assets that no session can be using: one that began later cannot name them."""
        using = and_(
            sessions.c.key_id == assets.c.key_id,
            sessions.c.status == "active",
            sessions.c.created_at <= assets.c.deleted_at,
        )
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(assets).where(assets.c.deleted_at < deleted_before, ~exists().where(using))
            )
            return [AssetRecord(**row) for row in rows.mappings()]

    async def forget(self, asset_ids: Collection[str]) -> None:
        """Drop the rows of assets whose files are gone."""
        async with self._database.writing() as connection:
            await connection.execute(delete(assets).where(assets.c.id.in_(asset_ids)))
