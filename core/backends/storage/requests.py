"""This file keeps what people asked for: `Requests` over a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update

from core.backends.storage.database import Database
from core.backends.storage.tables import requests
from core.backends.storage.upsert import insert_into
from core.chat_records import Request

_r = requests.c


class SqlRequests:
    """Fulfils `Requests`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, request: Request) -> bool:
        async with self._database.write() as connection:
            new = insert_into(connection, requests).values(_values(request))
            added = await connection.scalar(new.on_conflict_do_nothing().returning(_r.number))
            return added is not None

    async def save(self, request: Request) -> None:
        change = update(requests).where(_r.id == request.id).values(_values(request))
        async with self._database.write() as connection:
            await connection.execute(change)

    async def open(self, platform: str) -> list[Request]:
        query = select(_r.request).where(_r.platform == platform, ~_r.done).order_by(_r.number)
        async with self._database.read() as connection:
            return list(await connection.scalars(query))

    async def purge(self, before: datetime) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(requests).where(_r.done, _r.saved_at < before))


def _values(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "platform": request.platform,
        "channel": request.channel,
        "done": request.done,
        "request": request,
        "saved_at": datetime.now(UTC),
    }
