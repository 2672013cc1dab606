"""This file brings a database to the tables of today, whatever release left it there."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from core.backends.storage.database import Database
from core.errors import StoreUnreachable

HEAD = "0005"
"""The newest version in versions/. Known without asking Alembic, which is slow to import."""

_LOCK = 8_822_331
"""Of PostgreSQL's advisory locks, the one that says: somebody is migrating."""


async def bring_up(database: Database) -> None:
    """Returns with every table as core/backends/storage/tables.py has it.

    Everything happens in one transaction: a kill leaves the old state, and of several processes
    that start together one does the work. Raises StoreUnreachable on a newer release's database.
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
    # Imported here: it costs 60 ms of every start, and almost no start needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "core.backends.storage:migrations")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnreachable(f"unknown version {_version(connection)}") from error
