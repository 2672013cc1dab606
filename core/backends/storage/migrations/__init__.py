"""Migrate a database of any earlier release to the current tables."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from core.backends.storage.database import Database
from core.errors import StoreUnreachable

HEAD = "0012"
"""The newest version in versions/, kept here because Alembic is slow to import."""

_MIGRATION_LOCK = 8_822_331
"""Key of the PostgreSQL advisory lock that a migrating process holds."""


async def migrate(database: Database) -> None:
    """Create or migrate the tables of core/backends/storage/tables.py.

    Runs in one transaction: a kill leaves the old state, and of several processes that start
    together one migrates. Raises StoreUnreachable for the database of a newer release.
    """
    async with database.read() as connection:
        if await connection.run_sync(_version) == HEAD:
            return
    async with database.write() as connection:
        await connection.run_sync(_upgrade)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _upgrade(connection: Connection) -> None:
    # Imported here: it takes 60 ms, and almost no start migrates.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "core.backends.storage:migrations")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnreachable(f"unknown version {_version(connection)}") from error
