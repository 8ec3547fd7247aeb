"""Runs the migrations that the package ships."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from rtav.errors import ConfigError

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x72746176  # "rtav": PostgreSQL's advisory locks are numbers


def configuration() -> Config:
    """What Alembic's own commands need to find the migrations."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision, in the transaction that is open.

    Raises ConfigError for a database that a newer version of rtav has changed.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = configuration()
    current = MigrationContext.configure(connection).get_current_revision()
    if current == ScriptDirectory.from_config(config).get_current_head():
        return
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            "storage.url", f"the database is of another version of rtav: {error}"
        ) from None
