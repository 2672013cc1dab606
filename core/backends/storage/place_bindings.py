"""What places and buttons are about: `PlaceBindings` and `Buttons` over a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select

from core.backends.storage import tables as t
from core.backends.storage.database import Database
from core.backends.storage.upsert import insert_into
from core.chat_records import PlaceBinding, StoredButton

_r, _b = t.bindings.c, t.buttons.c


class SqlPlaceBindings:
    """Fulfils `PlaceBindings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bind(self, platform: str, place: str, message_id: str, binding: PlaceBinding) -> None:
        key = {"platform": platform, "place": place, "message_id": message_id}
        async with self._database.write() as connection:
            new = insert_into(connection, t.bindings).values(key | asdict(binding))
            replaced = new.on_conflict_do_update(index_elements=list(key), set_=asdict(binding))
            await connection.execute(replaced)

    async def find(self, platform: str, place: str, message_id: str = "") -> PlaceBinding | None:
        query = (
            select(_r.channel, _r.video_id, _r.thread)
            .where(_r.platform == platform, _r.place == place, _r.message_id.in_((message_id, "")))
            .order_by(_r.message_id == "")  # false sorts first
            .limit(1)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
            return PlaceBinding(*row) if row else None

    async def close(self, platform: str, place: str) -> None:
        gone = delete(t.bindings).where(_r.platform == platform, _r.place == place)
        async with self._database.write() as connection:
            await connection.execute(gone)


class SqlButtons:
    """Fulfils `Buttons`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, buttons: Sequence[StoredButton]) -> None:
        async with self._database.write() as connection:
            new = insert_into(connection, t.buttons).on_conflict_do_nothing()
            # In order of id, so that no two transactions of PostgreSQL deadlock.
            for button in sorted(buttons, key=lambda button: button.id):
                await connection.execute(new, asdict(button))

    async def get(self, button_id: str) -> StoredButton | None:
        query = select(t.buttons).where(_b.id == button_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
            return StoredButton(*row) if row else None
