"""This file is what Alembic runs to get a connection: the one that `bring_up` opened."""

from alembic import context

from core.backends.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
