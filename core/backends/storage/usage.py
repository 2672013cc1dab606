"""Counts of what was used today: `Usage` over a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage.database import Database
from core.backends.storage.tables import usage
from core.backends.storage.upsert import insert_into
from core.chat_records import Quota

_u = usage.c


class SqlUsage:
    """Fulfils `Usage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, quotas: Sequence[Quota], now: datetime) -> tuple[Quota | None, bool]:
        day = now.astimezone(UTC).date()
        async with self._database.write() as connection:
            await _lock(connection)
            await connection.execute(delete(usage).where(_u.day < day))
            for quota in quotas:
                used, told = await _used_today(connection, quota, day)
                if used >= quota.most:
                    await _add(connection, quota, day, told=True)
                    return quota, not told
            for quota in quotas:
                await _add(connection, quota, day, used=1)
        return None, False


async def _lock(connection: AsyncConnection) -> None:
    """Lock the table on PostgreSQL; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE usage IN SHARE ROW EXCLUSIVE MODE"))


async def _used_today(connection: AsyncConnection, quota: Quota, day: date) -> tuple[int, bool]:
    query = select(_u.used, _u.told).where(
        _u.scope == quota.scope, _u.kind == quota.kind, _u.day == day
    )
    row = (await connection.execute(query)).one_or_none()
    return (row.used, row.told) if row else (0, False)


async def _add(
    connection: AsyncConnection, quota: Quota, day: date, *, used: int = 0, told: bool = False
) -> None:
    new = insert_into(connection, usage).values(
        scope=quota.scope, kind=quota.kind, day=day, used=used, told=told
    )
    more = {"used": _u.used + new.excluded.used, "told": _u.told | new.excluded.told}
    await connection.execute(
        new.on_conflict_do_update(index_elements=["scope", "kind", "day"], set_=more)
    )
