"""Which server a channel is in, and since when the bot is not: `Memberships` over a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, union, update

from core.backends.storage import tables as t
from core.backends.storage.database import Database
from core.backends.storage.upsert import insert_into

_m = t.memberships.c


class SqlMemberships:
    """Fulfils `Memberships`. `SqlLibrary.forget` deletes the row of a channel that was left."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, channel: str, server: str) -> None:
        row = {"server": server, "left_at": None}
        async with self._database.write() as connection:
            new = insert_into(connection, t.memberships).values(channel=channel, **row)
            await connection.execute(
                new.on_conflict_do_update(index_elements=["channel"], set_=row)
            )

    async def leave(self, server: str, channels: Sequence[str], now: datetime) -> None:
        known = union(
            *(select(c.channel).where(c.channel.in_(channels)) for c in (t.library.c, t.bindings.c))
        )
        async with self._database.write() as connection:
            rows = [
                {"channel": channel, "server": server}
                for channel in await connection.scalars(known)
            ]
            if rows:
                new = insert_into(connection, t.memberships).on_conflict_do_nothing()
                await connection.execute(new, rows)
            left = update(t.memberships).where(_m.server == server, _m.left_at.is_(None))
            await connection.execute(left.values(left_at=now))

    async def join(self, server: str) -> None:
        async with self._database.write() as connection:
            of_server = update(t.memberships).where(_m.server == server)
            await connection.execute(of_server.values(left_at=None))

    async def meet(self, platform: str, servers: Collection[str], now: datetime) -> None:
        ours = update(t.memberships).where(_m.server.startswith(f"{platform}:", autoescape=True))
        async with self._database.write() as connection:
            there = ours.where(_m.server.in_(servers))
            await connection.execute(there.values(left_at=None))
            gone = ours.where(_m.server.not_in(servers), _m.left_at.is_(None))
            await connection.execute(gone.values(left_at=now))

    async def left(self, platform: str, before: datetime) -> list[str]:
        of_platform = _m.server.startswith(f"{platform}:", autoescape=True)
        query = select(_m.channel).where(of_platform, _m.left_at < before)
        return await self._database.fetch(lambda db: sorted(db.scalars(query)))
