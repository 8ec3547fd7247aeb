"""What Alembic runs for an upgrade: the migrations, on the connection that it was handed."""

from __future__ import annotations

from alembic import context

from rtav.server.storage.tables import metadata

# The transaction is the caller's: all migrations and the version number, or none.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
