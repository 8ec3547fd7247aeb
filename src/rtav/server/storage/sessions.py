"""The tables of sessions and of what they used."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import Table

from rtav.server.storage.database import Database
from rtav.server.storage.records import Period, SessionRecord, Status, Usage
from rtav.server.storage.tables import sessions, spent_secrets, usage

ROWS_AT_ONCE = 20  # 40 µs each: calls share the event loop, whose steps last 2 ms at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which sessions: None is any."""

    key_id: str | None = None
    status: Status | None = None
    before: tuple[datetime, str] | None = None
    """`created_at` and id of a session: those made before it."""
    limit: int = 20


class SessionTable:
    """Every method is one transaction and raises StorageError."""

    def __init__(self, database: Database, *, server: str) -> None:
        """`server` is this process's own name among those that share the database."""
        self._database = database
        self._server = server

    async def save(self, records: Collection[SessionRecord], *, now: datetime) -> None:
        """Insert or overwrite each of them: saving one twice, or late, is harmless."""
        async with self._database.writing() as connection:
            for record in records:
                await self._upsert(connection, sessions, self._session_row(record, now))
                if record.usage is not None:
                    row = {"session_id": record.id, **asdict(record.usage)}
                    await self._upsert(connection, usage, row)

    async def find(self, session_id: str) -> SessionRecord | None:
        async with self._database.reading() as connection:
            rows = await connection.execute(_selected().where(sessions.c.id == session_id))
            row = rows.mappings().one_or_none()
        return _record(row) if row else None

    async def page(
        self, wanted: Wanted, *, without: Collection[str] = ()
    ) -> Sequence[SessionRecord]:
        """The newest first; `without` are ids to leave out."""
        query = _selected().order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
        if wanted.key_id is not None:
            query = query.where(sessions.c.key_id == wanted.key_id)
        if wanted.status is not None:
            query = query.where(sessions.c.status == wanted.status)
        if wanted.before is not None:
            made_at, last_id = wanted.before
            same_time = and_(sessions.c.created_at == made_at, sessions.c.id < last_id)
            query = query.where(or_(sessions.c.created_at < made_at, same_time))
        if without:
            query = query.where(sessions.c.id.not_in(without))
        return await self._records(query.limit(wanted.limit))

    async def ended(
        self, period: Period, *, key_id: str | None, without: Collection[str] = ()
    ) -> Sequence[SessionRecord]:
        """Those that ended in the period, in the order of their ends."""
        query = _selected().where(sessions.c.ended_at.is_not(None))
        if key_id is not None:
            query = query.where(sessions.c.key_id == key_id)
        if period.start is not None:
            query = query.where(sessions.c.ended_at >= period.start)
        if period.end is not None:
            query = query.where(sessions.c.ended_at < period.end)
        if without:
            query = query.where(sessions.c.id.not_in(without))
        return await self._records(query.order_by(sessions.c.ended_at, sessions.c.id))

    async def beat(self, *, now: datetime, dead_before: datetime) -> int:
        """Say that this server is alive; end the sessions of those not heard since `dead_before`.

        They are `failed`, and lasted until their server was last heard. Returns how many.
        """
        async with self._database.writing() as connection:
            active = sessions.c.status == "active"
            await connection.execute(
                update(sessions)
                .where(active, sessions.c.server == self._server)
                .values(seen_at=now)
            )
            rows = await connection.execute(
                select(sessions.c.id, sessions.c.started_at, sessions.c.seen_at).where(
                    active, sessions.c.seen_at < dead_before
                )
            )
            orphans = rows.all()
            for id_, started_at, seen_at in orphans:
                lasted = round((seen_at - started_at).total_seconds(), 3)
                await connection.execute(
                    update(sessions)
                    .where(sessions.c.id == id_)
                    .values(status="failed", ended_at=seen_at, duration_seconds=lasted)
                )
            await connection.execute(
                delete(spent_secrets).where(spent_secrets.c.expires_at < dead_before)
            )
        return len(orphans)

    async def spend(self, secret_id: str, *, expires_at: datetime) -> bool:
        """Mark a client secret as used; False if it was already, by whichever server."""
        values = {"id": secret_id, "expires_at": expires_at}
        async with self._database.writing() as connection:
            inserted = await connection.execute(
                self._database.insert(spent_secrets)
                .values(values)
                .on_conflict_do_nothing(index_elements=["id"])
            )
        return inserted.rowcount == 1

    async def _records(self, query: Select[Any]) -> Sequence[SessionRecord]:
        records: list[SessionRecord] = []
        async with self._database.reading() as connection:
            rows = await connection.stream(query)
            async for part in rows.mappings().partitions(ROWS_AT_ONCE):
                records.extend(_record(row) for row in part)
                await asyncio.sleep(0)  # the driver has a thread, but the rows are made here
        return records

    async def _upsert(self, connection: AsyncConnection, table: Table, row: dict[str, Any]) -> None:
        (primary,) = table.primary_key.columns
        await connection.execute(
            self._database.insert(table)
            .values(row)
            .on_conflict_do_update(index_elements=[primary], set_=row)
        )

    def _session_row(self, record: SessionRecord, now: datetime) -> dict[str, Any]:
        return {
            "id": record.id,
            "key_id": record.key_id,
            "config": dict(record.config),
            "status": record.status,
            "created_at": record.created_at,
            "started_at": record.started_at,
            "ended_at": record.ended_at,
            "duration_seconds": record.duration_seconds,
            "server": self._server,
            "seen_at": now,
        }


_USAGE = tuple(column for column in usage.columns if column.name != "session_id")


def _selected() -> Select[Any]:  # Any: the columns of two tables
    return select(sessions, usage.c.session_id.label("has_usage"), *_USAGE).outerjoin(usage)


def _record(row: RowMapping) -> SessionRecord:
    used = Usage(**{column.name: row[column.name] for column in _USAGE})
    return SessionRecord(
        id=row["id"],
        key_id=row["key_id"],
        config=row["config"],
        status=row["status"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        duration_seconds=row["duration_seconds"],
        usage=used if row["has_usage"] else None,
    )
