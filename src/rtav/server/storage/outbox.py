"""Sessions on their way to the database: nobody waits for it, and what is lost is said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from rtav import metrics
from rtav.server.storage.database import StorageError
from rtav.server.storage.records import SessionRecord

logger = logging.getLogger(__name__)

LIMIT = 10_000
"""Sessions that wait at most: at one a second, the database may be away for almost three hours."""
BATCH = 200
"""Sessions in one transaction: short enough for another process's writes to come between."""
RETRY_S = 1.0
LAST_TRY_S = 3.0
"""How long an exit waits for the database."""

Save = Callable[[Collection[SessionRecord]], Awaitable[None]]
"""Raises StorageError, and that within some seconds."""


class Outbox:
    """The newest state of each session that the database does not have yet. Event loop only."""

    def __init__(self, save: Save) -> None:
        self._save = save
        self._waiting: dict[str, SessionRecord] = {}
        self._changed = asyncio.Event()
        self._is_closed = False
        self._fails = False

    @property
    def waiting(self) -> Mapping[str, SessionRecord]:
        """By their ids, the longest waiting first."""
        return self._waiting

    def put(self, record: SessionRecord) -> None:
        """Have the session written soon; what waited of it before is outdated. Never blocks."""
        self._waiting[record.id] = record
        if len(self._waiting) > LIMIT:
            del self._waiting[next(iter(self._waiting))]
            self._lost(1)
        self._changed.set()

    def close(self) -> None:
        """Let `run` write what waits, and return."""
        self._is_closed = True
        self._changed.set()

    async def run(self) -> None:
        """Write until `close`. The one writer of sessions."""
        while not self._is_closed:
            await self._changed.wait()
            self._changed.clear()
            while self._waiting and not self._is_closed:
                if not await self._wrote():
                    await self._pause()
        try:
            async with asyncio.timeout(LAST_TRY_S):
                while self._waiting and await self._wrote():
                    pass
        except TimeoutError:
            pass  # what is left is counted below
        if self._waiting:
            self._lost(len(self._waiting))

    async def _wrote(self) -> bool:
        batch = list(self._waiting.values())[:BATCH]
        try:
            await self._save(batch)
        except StorageError as error:
            metrics.storage_failures_total.inc()
            if not self._fails:  # once, not once a second
                logger.warning("the database takes nothing, calls go on: %s", error)
            self._fails = True
            return False
        if self._fails:
            logger.info("the database works again")
        self._fails = False
        for record in batch:
            if self._waiting.get(record.id) is record:  # else it has changed meanwhile
                del self._waiting[record.id]
        return True

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(RETRY_S):
                while not self._is_closed:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass  # time to try again

    def _lost(self, count: int) -> None:
        metrics.storage_lost_total.inc(count)
        logger.warning("%d sessions were not stored: the database took nothing for long", count)
