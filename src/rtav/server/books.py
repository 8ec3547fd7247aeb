"""The server's books: the storage, what is in memory of it, and the tasks that keep them equal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rtav import clock
from rtav.server.ephemeral import Grant
from rtav.server.key_reader import KeyReader
from rtav.server.keys import ApiKeys
from rtav.server.services import new_id
from rtav.server.sessions import Sessions
from rtav.server.storage.assets import AssetTable
from rtav.server.storage.database import StorageError, opened, url_of
from rtav.server.storage.keys import KeyTable
from rtav.server.storage.outbox import Outbox
from rtav.server.storage.records import SessionRecord
from rtav.server.storage.secrets import SecretTable
from rtav.server.storage.sessions import SessionTable
from rtav.settings import Settings

logger = logging.getLogger(__name__)

BEAT_S = 30.0
"""How often a server says that it is alive, and writes when keys were used."""
DEAD_AFTER = timedelta(seconds=4 * BEAT_S)
EXPIRE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    keys: ApiKeys
    reader: KeyReader
    sessions: Sessions
    assets: AssetTable
    secrets: SecretTable
    spend: Callable[[Grant], Awaitable[bool]]
    """Marks a client secret as used; False if it was. Raises StorageError."""


@contextlib.asynccontextmanager
async def opened_books(
    settings: Settings, *, api_key: str, hang_up: Callable[[str], None]
) -> AsyncIterator[Books]:
    """Open the storage and keep it. `hang_up` ends the call with this id.

    On the way out what is not written yet is written. Raises ConfigError.
    """
    async with opened(storage_url(settings)) as database:
        table = SessionTable(database, server=new_id("server_"))
        keys = ApiKeys([api_key])
        reader = KeyReader(keys, KeyTable(database), now=clock.monotonic, wall=clock.wall)
        await reader.read()

        async def save(records: Collection[SessionRecord]) -> None:
            await table.save(records, now=clock.wall())

        async def spend(grant: Grant) -> bool:
            return await table.spend(
                grant.id, expires_at=datetime.fromtimestamp(grant.expires_at, UTC)
            )

        outbox = Outbox(save)
        sessions = Sessions(
            archive=table,
            outgoing=outbox,
            unix=clock.unix,
            hang_up=hang_up,
            join_s=settings.limits.join_s,
        )
        secrets = SecretTable(database)
        async with _kept(sessions, outbox, (reader, table, secrets)):
            yield Books(
                keys=keys,
                reader=reader,
                sessions=sessions,
                assets=AssetTable(database),
                secrets=secrets,
                spend=spend,
            )


def storage_url(settings: Settings) -> str:
    """Where the operator wants it stored. Raises ConfigError."""
    named = settings.storage.url
    return url_of(named.get_secret_value() if named else None, settings.state_dir)


@contextlib.asynccontextmanager
async def _kept(
    sessions: Sessions, outbox: Outbox, kept: tuple[KeyReader, SessionTable, SecretTable]
) -> AsyncIterator[None]:
    tasks = asyncio.TaskGroup()
    await tasks.__aenter__()
    tasks.create_task(outbox.run(), name="session writer")
    repeated = [
        tasks.create_task(kept[0].run(), name="key reader"),
        tasks.create_task(_expire(sessions), name="session expiry"),
        tasks.create_task(_beat(*kept), name="storage beat"),
    ]
    try:
        yield
    finally:
        for task in repeated:
            task.cancel()
        sessions.close()
        outbox.close()
        # Not told of an error, which it would wrap, and for which it would cancel the writer.
        await tasks.__aexit__(None, None, None)


async def _expire(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(EXPIRE_S)
        sessions.expire()


async def _beat(reader: KeyReader, table: SessionTable, secrets: SecretTable) -> None:
    while True:
        now = clock.wall()
        try:
            await reader.write_uses()
            await secrets.forget(now=now)
            if lost := await table.beat(now=now, dead_before=now - DEAD_AFTER):
                logger.warning("%d sessions of a server that is gone have failed", lost)
        except StorageError as error:
            logger.warning("the books are not kept for %d s: %s", BEAT_S, error)
        await asyncio.sleep(BEAT_S)
