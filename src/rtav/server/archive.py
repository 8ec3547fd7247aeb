"""What the sessions in memory need of the storage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from rtav.server.storage.records import Period, SessionRecord
from rtav.server.storage.sessions import Wanted


class Archive(Protocol):
    """Sessions that the database has. Every method raises StorageError."""

    async def find(self, session_id: str) -> SessionRecord | None: ...

    async def page(
        self, wanted: Wanted, *, without: Collection[str] = ()
    ) -> Sequence[SessionRecord]: ...

    async def ended(
        self, period: Period, *, key_id: str | None, without: Collection[str] = ()
    ) -> Sequence[SessionRecord]: ...


class Outgoing(Protocol):
    """Sessions on their way into the archive."""

    @property
    def waiting(self) -> Mapping[str, SessionRecord]: ...

    def put(self, record: SessionRecord) -> None: ...
