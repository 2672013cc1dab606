"""Note in the store that something was deleted which copies of it still hold.

The note is written with the deletion, so that no kill comes between the two.
"""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage import tables as t
from core.backends.storage.database import Database
from core.backends.storage.upsert import insert_into

_c = t.outdated_copies.c
_ONLY = 1


async def mark_copies_outdated(connection: AsyncConnection) -> None:
    """Only on SQLite: nobody here copies PostgreSQL."""
    if connection.dialect.name != "sqlite":
        return
    new = insert_into(connection, t.outdated_copies).values(number=_ONLY, deletion=uuid4().hex)
    changed = {"deletion": new.excluded.deletion}
    await connection.execute(new.on_conflict_do_update(index_elements=["number"], set_=changed))


class OutdatedCopies:
    """What is noted, until new copies stand in place of the outdated ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deletion(self) -> str:
        """The last deletion that copies may not know of, "" if none."""
        return await self._database.fetch(lambda db: db.scalar(select(_c.deletion))) or ""

    async def settle(self, deletion: str) -> None:
        """Remove the note, unless there was another deletion since."""
        async with self._database.write() as connection:
            await connection.execute(delete(t.outdated_copies).where(_c.deletion == deletion))
