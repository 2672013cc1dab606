"""The store of chat settings: `Settings` over a database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import literal, select, union_all

from core.backends.storage import tables as t
from core.backends.storage.database import Database
from core.backends.storage.upsert import insert_into
from core.chat_records import ChatSettings

_s = t.settings.c


class SqlSettings:
    """Fulfils `Settings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, scopes: Sequence[str]) -> list[ChatSettings]:
        queries = [
            select(literal(number), _s.habits).where(_s.scope == scope)
            for number, scope in enumerate(scopes)
        ]
        async with self._database.read() as connection:
            found = {
                number: settings
                for number, settings in await connection.execute(union_all(*queries))
            }
        return [found.get(number, ChatSettings()) for number in range(len(scopes))]

    async def save(self, scope: str, settings: ChatSettings) -> None:
        async with self._database.write() as connection:
            new = insert_into(connection, t.settings).values(scope=scope, habits=settings)
            changed = {"habits": settings}
            await connection.execute(
                new.on_conflict_do_update(index_elements=["scope"], set_=changed)
            )
