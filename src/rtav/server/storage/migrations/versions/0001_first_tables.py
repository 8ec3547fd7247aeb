"""Make the tables for keys, sessions, usage and spent secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From an empty database."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("max_calls", sa.Integer),
        sa.Column("calls_per_minute", sa.Integer),
        sa.Column("max_minutes", sa.Float),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
        sa.Column("last_used_at", sa.DateTime),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("duration_seconds", sa.Float),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
    )
    op.create_index("sessions_by_key", "sessions", ["key_id", "created_at"])
    op.create_index("sessions_by_end", "sessions", ["ended_at"])
    op.create_index("sessions_by_status", "sessions", ["status", "seen_at"])
    op.create_table(
        "usage",
        sa.Column(
            "session_id",
            sa.String(64),
            sa.ForeignKey("sessions.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("audio_input_seconds", sa.Float, nullable=False),
        sa.Column("audio_output_seconds", sa.Float, nullable=False),
        sa.Column("video_seconds", sa.Float, nullable=False),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
    )
    op.create_table(
        "spent_secrets",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_spent_secrets_expires_at", "spent_secrets", ["expires_at"])


def downgrade() -> None:
    """To an empty database."""
    for table in ("spent_secrets", "usage", "sessions", "api_keys"):
        op.drop_table(table)
