"""Keeps the keys in memory as the database has them, and notes there when they were used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from rtav.clock import Clock
from rtav.server.keys import OPERATORS_ID, ApiKeys, Key
from rtav.server.storage.database import StorageError
from rtav.server.storage.keys import KeyTable

logger = logging.getLogger(__name__)

READ_S = 2.0
"""A key that is revoked is refused after this long."""
UNKNOWN_READ_S = 0.25
"""Whoever tries out keys has the table read four times a second, and no more often."""


class KeyReader:
    def __init__(
        self, keys: ApiKeys, table: KeyTable, *, now: Clock, wall: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._table = table
        self._now = now
        self._wall = wall
        self._lock = asyncio.Lock()
        self._began_at = float("-inf")
        self._uses: dict[str, datetime] = {}
        self._fails = False

    async def reload(self) -> None:
        """Return when the keys are as they were in the database after this was called.

        Those who ask at the same time share one reading. If the database does not answer, the keys
        stay as they are.
        """
        asked_at = self._now()
        async with self._lock:
            if self._began_at >= asked_at:
                return
            await asyncio.sleep(max(0.0, self._began_at + UNKNOWN_READ_S - asked_at))
            await self.read()

    async def read(self) -> None:
        self._began_at = self._now()
        try:
            self._keys.replace(await self._table.all())
        except StorageError as error:
            if not self._fails:
                logger.warning("keys cannot be read, those known stay valid: %s", error)
            self._fails = True
        else:
            self._fails = False

    async def run(self) -> None:
        """Read again and again, until cancelled."""
        while True:
            await asyncio.sleep(READ_S)
            async with self._lock:
                await self.read()

    def used(self, key: Key) -> None:
        """Note that a key was shown now; `write_uses` tells the database."""
        if key.id != OPERATORS_ID:
            self._uses[key.id] = self._wall()

    async def write_uses(self) -> None:
        """Raises StorageError, and then keeps what was not written."""
        if self._uses:
            uses, self._uses = self._uses, {}
            try:
                await self._table.used(uses)
            except StorageError:
                self._uses = uses | self._uses
                raise
