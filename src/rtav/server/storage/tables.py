"""The tables, as SQLAlchemy knows them; `migrations/` makes the database agree."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """An aware UTC datetime in a column without zone: SQLite knows none, PostgreSQL converts."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),  # SHA-256 of the key, in hex
    Column("scopes", JSON, nullable=False),
    Column("max_calls", Integer),
    Column("calls_per_minute", Integer),
    Column("max_minutes", Float),
    Column("created_at", Utc, nullable=False),
    Column("revoked_at", Utc),
    Column("last_used_at", Utc),
)

# No foreign key to api_keys: the server's own key stands in the settings, not in that table.
sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("config", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("duration_seconds", Float),
    Column("server", String(64), nullable=False),
    Column("seen_at", Utc, nullable=False),  # when that server last said that it is alive
    Index("sessions_by_key", "key_id", "created_at"),
    Index("sessions_by_end", "ended_at"),
    Index("sessions_by_status", "status", "seen_at"),
)

usage = Table(
    "usage",
    metadata,
    Column(
        "session_id", String(64), ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("audio_input_seconds", Float, nullable=False),
    Column("audio_output_seconds", Float, nullable=False),
    Column("video_seconds", Float, nullable=False),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
)

spent_secrets = Table(
    "spent_secrets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("expires_at", Utc, nullable=False, index=True),
)

assets = Table(
    "assets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("deleted_at", Utc),  # its files stay until no call can be using them
)

client_secrets = Table(
    "client_secrets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("session", JSON, nullable=False),
    Column("expires_at", Utc, nullable=False, index=True),
)
