"""Finished parts of unfinished work: `Checkpoints` over a database."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select

from core.backends.storage.database import Database
from core.backends.storage.tables import pieces
from core.backends.storage.upsert import insert_into

_p = pieces.c


class SqlCheckpoints:
    """Fulfils `Checkpoints`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, video_id: str, recipe: str, number: int, part: str) -> None:
        row = {"video_id": video_id, "recipe": recipe, "number": number}
        changed = {"piece": part, "saved_at": datetime.now(UTC)}
        async with self._database.write() as connection:
            new = insert_into(connection, pieces).values(row | changed)
            replaced = new.on_conflict_do_update(index_elements=list(row), set_=changed)
            await connection.execute(replaced)

    async def load(self, video_id: str, recipe: str) -> dict[int, str]:
        query = select(_p.number, _p.piece).where(_p.video_id == video_id, _p.recipe == recipe)
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(_p.number))
            return {row.number: row.piece for row in rows}

    async def clear(self, video_id: str, recipe: str = "") -> None:
        begins_so = _p.recipe.startswith(recipe, autoescape=True)
        query = delete(pieces).where(_p.video_id == video_id, begins_so)
        async with self._database.write() as connection:
            await connection.execute(query)

    async def purge(self, before: datetime) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(pieces).where(_p.saved_at < before))
