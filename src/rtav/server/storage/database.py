"""One database: opened by its URL, migrated, read and written in short transactions."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import Table

from rtav.errors import ConfigError, RtavError
from rtav.server.storage.migration import upgrade

FILE_NAME = "rtav.sqlite3"
BUSY_MS = 2000  # a write waits this long for another process's; nobody waits for the write
OPERATION_S = 3.0  # more than BUSY_MS: SQLite then says itself what is the matter
MIGRATION_S = 300.0  # a large table may be copied

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_BEGIN = "rtav_begin"


class StorageError(RtavError):
    """The database did not take or give something now. Calls go on without it."""


class Database:
    """Made by `opened`. Each operation is one transaction; many may run at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with, for OPERATION_S at most. Raises StorageError."""
        with _storage_errors():
            async with asyncio.timeout(OPERATION_S), self._engine.connect() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def writing(self, *, limit_s: float = OPERATION_S) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock; committed on the way out. Raises StorageError.

        SQLite: at most BUSY_MS are spent in waiting for the lock.
        """
        with _storage_errors():
            async with asyncio.timeout(limit_s), self._engine.connect() as connection:
                await connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
                async with connection.begin():
                    yield connection

    async def migrate(self) -> None:
        """Bring the tables to this version's shape; another process may do the same at once."""
        async with self.writing(limit_s=MIGRATION_S) as connection:
            await connection.run_sync(upgrade)

    async def close(self) -> None:
        await self._engine.dispose()

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An insert that can be told what to do on a conflict."""
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database that is ready. Raises ConfigError naming `storage.url`."""
    checked = _checked(url)
    if not _is_remote(checked):
        _check_file(checked.database)
    database = Database(_engine(checked))
    try:
        try:
            await database.migrate()
        except StorageError as error:
            raise ConfigError("storage.url", f"the database cannot be used: {error}") from None
        yield database
    finally:
        await database.close()


def url_of(setting: str | None, state_dir: Path) -> str:
    """The operator's URL, or that of the file in the state folder.

    Raises ConfigError if the folder cannot be made.
    """
    if setting is not None:
        return setting
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError("state_dir", f"{state_dir} cannot be made: {error.strerror}") from None
    return URL.create("sqlite", database=str(state_dir / FILE_NAME)).render_as_string()


def _checked(setting: str) -> URL:
    try:
        url = make_url(setting)
    except ArgumentError:
        # without the setting itself: it may hold a password
        raise ConfigError("storage.url", "is no database URL") from None
    name = url.get_backend_name()
    if name not in _DRIVERS:
        raise ConfigError(
            "storage.url", f"{name} is not supported: name sqlite:///FILE or postgresql://…"
        )
    return url.set(drivername=_DRIVERS[name])


def _check_file(path: str | None) -> None:
    # The driver's thread of a file that cannot be opened may outlive the loop, and complains then.
    try:
        sqlite3.connect(path or ":memory:").close()
    except sqlite3.Error as error:
        raise ConfigError("storage.url", f"the database cannot be used: {error}") from None


def _engine(url: URL) -> AsyncEngine:
    try:
        # Values never stand in an exception's text: prompts are among them.
        engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=_is_remote(url))
    except ModuleNotFoundError as error:
        raise ConfigError(
            "storage.url", f"{error.name} is missing: pip install 'rtav[postgres]'"
        ) from None
    if not _is_remote(url):
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _is_remote(url: URL) -> bool:
    return url.get_backend_name() != "sqlite"


def _prepare_sqlite(connection: Any, _: object) -> None:  # Any: the driver's own type
    connection.isolation_level = None  # the driver would begin by itself, and only before DML
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")  # first: the next one takes a lock
    cursor.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
    cursor.execute("PRAGMA synchronous=NORMAL")  # after a power cut the last writes may be missing
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that will write says so at once: one that reads first and then writes fails
    # without waiting if another has written in between.
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, TimeoutError) as error:
        raise StorageError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """One line, without the statement and its values."""
    original = getattr(error, "orig", None) or error
    return f"{type(original).__name__}: {str(original).splitlines()[0] if str(original) else ''}"
