"""Messages to deliver to the platforms: `OutboxEntries` over a database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, select, update

from core.backends.storage.database import Database
from core.backends.storage.tables import outbox
from core.backends.storage.upsert import insert_into
from core.chat_records import OutboxEntry

_o = outbox.c
_IS_OVER = and_(_o.finished, _o.shown == _o.revision)


class SqlOutboxEntries:
    """Fulfils `OutboxEntries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: OutboxEntry) -> OutboxEntry:
        async with self._database.write() as connection:
            new = insert_into(connection, outbox).values(_values(entry))
            await connection.execute(new.on_conflict_do_nothing())
            stored = await connection.execute(select(outbox).where(_named(entry)))
            return _entry(stored.one())

    async def save(self, entry: OutboxEntry) -> None:
        change = update(outbox).where(_named(entry)).values(_values(entry))
        async with self._database.write() as connection:
            await connection.execute(change)

    async def unfinished(self, platform: str) -> list[OutboxEntry]:
        query = select(outbox).where(_o.platform == platform, ~_IS_OVER).order_by(_o.number)
        async with self._database.read() as connection:
            return [_entry(row) for row in await connection.execute(query)]

    async def purge(self, before: datetime) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(outbox).where(_IS_OVER, _o.saved_at < before))


def _named(entry: OutboxEntry) -> ColumnElement[bool]:
    return and_(_o.platform == entry.platform, _o.key == entry.key)


def _values(entry: OutboxEntry) -> dict[str, Any]:
    values = asdict(entry) | {"saved_at": datetime.now(UTC)}
    del values["number"]  # the database counts
    return values


def _entry(row: Row[Any]) -> OutboxEntry:
    values = dict(row._mapping)
    del values["saved_at"]
    return OutboxEntry(**values)
