"""Make the table of uploaded faces, voices and driving motions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_assets"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Beside what is there."""
    op.create_table(
        "assets",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("deleted_at", sa.DateTime),
    )


def downgrade() -> None:
    """The rows are lost, the files stay."""
    op.drop_table("assets")
