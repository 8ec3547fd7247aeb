"""Make the table of client secrets whose configuration no key can carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_client_secrets"
down_revision = "0002_assets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Beside what is there."""
    op.create_table(
        "client_secrets",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("session", sa.JSON, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_client_secrets_expires_at", "client_secrets", ["expires_at"])


def downgrade() -> None:
    """Those secrets open nothing any more."""
    op.drop_table("client_secrets")
