"""The uploaded assets of all keys: made, found, offered to calls, deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rtav.core.catalog import Own
from rtav.errors import ProtocolError
from rtav.server.storage.assets import Version
from rtav.server.storage.database import StorageError
from rtav.server.storage.records import AssetKind, AssetRecord
from rtav.server.uploads.quota import Held, Quota
from rtav.server.uploads.shelves import Shelves, size_bytes
from rtav.server.uploads.workshop import Task, Workshop

logger = logging.getLogger(__name__)

READ_S = 5.0
"""What another server has taken in can be named here after this long."""
KEPT_FOR = timedelta(seconds=10)
"""Files stay this long after a deletion: a call that began before it may not be in the books."""


class Table(Protocol):
    """See `AssetTable`. Every method raises StorageError."""

    async def add(self, record: AssetRecord) -> None: ...
    async def all(self) -> Sequence[AssetRecord]: ...
    async def version(self) -> Version: ...
    async def delete(self, asset_id: str, *, at: datetime) -> None: ...
    async def unused(self, *, deleted_before: datetime) -> Sequence[AssetRecord]: ...
    async def forget(self, asset_ids: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who makes assets of one kind, and who is told of them."""

    module: str
    function: str
    adopt: Callable[[str, Path, Mapping[str, Any]], None]
    """Takes the id, its folder and its facts."""
    forget: Callable[[str], None]
    complete: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]] | None = None
    """Adds to the facts of a new asset what only the engine can know; raises ProtocolError."""
    examine: str | None = None
    """Function that looks at a file of which nothing is made yet; None: nobody can."""
    more: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON
    """For both functions, beside what the caller said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a caller says of the file it sends."""

    name: str
    more: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON
    """For the maker."""
    facts: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON
    """To be shown beside what the maker finds."""


class Library:
    """Event loop only. No call waits for the database: what it has is in memory."""

    def __init__(  # noqa: PLR0913 - each of them is one thing that a library needs
        self,
        *,
        table: Table,
        shelves: Shelves,
        makers: Mapping[AssetKind, Maker],
        quota: Quota,
        wall: Callable[[], datetime],
        new_id: Callable[[str], str],
        workshop: Workshop | None = None,
        offer: Callable[[str, Own], None] = lambda _, __: None,
    ) -> None:
        """`offer` tells the running calls of an owner what they may name from now on."""
        self._table, self._shelves, self._makers = table, shelves, makers
        self._workshop = workshop or Workshop()
        self._wall, self._new_id, self._offer = wall, new_id, offer
        self._records: dict[str, AssetRecord] = {}
        self._version: Version | None = None
        self._fails = False
        self._changing = asyncio.Lock()  # or a refresh might drop what was added meanwhile
        self.quota = quota

    # --- what there is -----------------------------------------------------------------------

    def of(self, owner: str, kind: AssetKind) -> list[AssetRecord]:
        """The oldest first."""
        return [each for each in self._live(owner) if each.kind == kind]

    def own(self, owner: str) -> Own:
        """What a call of this owner may name."""
        live = self._live(owner)
        return Own(
            faces=tuple(each.id for each in live if each.kind == "face"),
            voices=tuple(each.id for each in live if each.kind == "voice"),
            motions=tuple(each.id for each in live if each.kind == "driving"),
            backgrounds=tuple(each.id for each in live if each.kind == "background"),
            pictures=tuple(each.id for each in live if each.facts.get("has_outline") is False),
        )

    def held(self, owner: str) -> Held:
        """Deleted files count until they are gone."""
        size = sum(each.size_bytes for each in self._records.values() if each.key_id == owner)
        return Held(len(self._live(owner)), size)

    def preview(self, record: AssetRecord) -> Path:
        """The picture of an asset that has one."""
        return self._shelves.folder(record.kind, record.id) / "preview.png"

    def _live(self, owner: str) -> list[AssetRecord]:
        return [
            each
            for each in self._records.values()
            if each.key_id == owner and each.deleted_at is None
        ]

    # --- coming and going --------------------------------------------------------------------

    async def make(
        self, kind: AssetKind, owner: str, receive: Callable[[Path], Awaitable[Wish]]
    ) -> AssetRecord:
        """Receive a file, make an asset of it and let its owner's calls name it.

        `receive` writes the file. Raises ProtocolError, RateLimited, AtCapacity, StorageError,
        and what `receive` raises; then there is nothing of it.
        """
        maker = self._makers.get(kind)
        if maker is None:
            raise ProtocolError(
                f"The engine of this server takes no {kind} from callers",
                code=f"invalid_{kind}",
            )
        with self.quota.place(owner):
            self.quota.check(self.held(owner))
            asset_id = self._new_id(f"{kind}_")
            with self._shelves.bench(asset_id) as (upload, folder):
                wish = await receive(upload)
                found = await self._workshop.make(
                    Task(
                        kind=kind,
                        module=maker.module,
                        function=maker.function,
                        upload=upload,
                        folder=folder,
                        wish={**wish.more, **maker.more, "id": asset_id, "name": wish.name},
                    )
                )
                facts = {**found, **wish.facts}
                if maker.complete is not None:
                    facts = {**await maker.complete(facts)}
                size = size_bytes(folder)
                self.quota.check(self.held(owner), more_bytes=size)
                record = AssetRecord(
                    id=asset_id,
                    key_id=owner,
                    kind=kind,
                    name=wish.name,
                    size_bytes=size,
                    facts=facts,
                    created_at=self._wall(),
                )
                async with self._changing:
                    await self._keep(record, folder)
                    self._adopt(record)
        self._offer(owner, self.own(owner))
        logger.info("%s was made: %d bytes", asset_id, record.size_bytes)
        return record

    async def examine(
        self, kind: AssetKind, owner: str, receive: Callable[[Path], Awaitable[Wish]]
    ) -> Mapping[str, Any]:
        """Receive a file and say what its maker finds in it. It counts as an upload. Raises as
        `make`; in any case there is nothing of it afterwards."""
        maker = self._makers.get(kind)
        if maker is None or maker.examine is None:
            raise ProtocolError(
                "This server has no detector: say yourself where the face is",
                code="missing_landmarks",
                param="landmarks",
            )
        with self.quota.place(owner), self._shelves.bench(self._new_id("look_")) as bench:
            wish = await receive(bench[0])
            return await self._workshop.make(
                Task(
                    kind=kind,
                    module=maker.module,
                    function=maker.examine,
                    upload=bench[0],
                    folder=bench[1],
                    wish={**wish.more, **maker.more},
                )
            )

    async def _keep(self, record: AssetRecord, folder: Path) -> None:
        self._shelves.keep(record.kind, record.id, folder)
        try:
            await self._table.add(record)
        except BaseException:  # whatever it is: without a row nobody would ever remove the files
            self._shelves.remove(record.kind, record.id)
            raise

    async def delete(self, record: AssetRecord) -> None:
        """Nobody can name it any more; calls that are there go on with it. Raises StorageError."""
        async with self._changing:
            at = self._wall()
            await self._table.delete(record.id, at=at)
            self._records[record.id] = replace(record, deleted_at=at)
        logger.info("%s was deleted", record.id)

    def _adopt(self, record: AssetRecord) -> None:
        self._records[record.id] = record
        if maker := self._makers.get(record.kind):
            folder = self._shelves.folder(record.kind, record.id)
            maker.adopt(record.id, folder, record.facts)

    def _drop(self, record: AssetRecord) -> None:
        self._records.pop(record.id, None)
        if maker := self._makers.get(record.kind):
            maker.forget(record.id)

    # --- as time goes by ---------------------------------------------------------------------

    async def start(self, *, unix: float) -> None:
        """Learn what there is, and remove what an interrupted server has left."""
        await self.refresh()
        if self._version is not None and (left := self._shelves.sweep(self._records, unix=unix)):
            logger.info("%d unfinished uploads were removed", left)

    async def run(self) -> None:
        """Keep up with the database and with deletions, until cancelled."""
        while True:
            await asyncio.sleep(READ_S)
            await self.refresh()
            await self.purge()

    async def refresh(self) -> None:
        """Take over what another server has added or deleted."""
        async with self._changing:
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            version = await self._table.version()
            if version == self._version:
                return
            records = {record.id: record for record in await self._table.all()}
        except StorageError as error:
            self._failed(error)
            return
        self._fails = False
        self._version = version
        fresh = [record for record in records.values() if record.id not in self._records]
        for record in [each for each in self._records.values() if each.id not in records]:
            self._drop(record)
        self._records.update(records)
        for record in fresh:
            self._adopt(record)
        for owner in {record.key_id for record in fresh}:
            self._offer(owner, self.own(owner))

    async def purge(self) -> None:
        """Remove the files of deleted assets that no call can be using any more."""
        if all(each.deleted_at is None for each in self._records.values()):
            return
        try:
            gone = await self._table.unused(deleted_before=self._wall() - KEPT_FOR)
            for record in gone:
                self._drop(record)
                await asyncio.to_thread(self._shelves.remove, record.kind, record.id)
            if gone:
                await self._table.forget([record.id for record in gone])
        except StorageError as error:
            self._failed(error)

    def _failed(self, error: StorageError) -> None:
        if not self._fails:
            logger.warning("uploaded assets are not kept in order: %s", error)
        self._fails = True
