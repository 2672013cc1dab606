"""This file keeps which videos a channel knows, and forgets: `Library` over a database."""

from __future__ import annotations

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage import tables as t
from core.backends.storage.database import Database
from core.backends.storage.locks import hold, lock
from core.model import Video


class SqlLibrary:
    """Fulfils `Library`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, channel: str, video_id: str) -> None:
        """A video added again keeps its place. Raises UnknownVideo."""
        row = {"channel": channel, "video_id": video_id}
        async with self._database.write() as connection:
            await hold(connection, [video_id])
            if video_id not in await _known(connection, channel):
                await connection.execute(insert(t.library), row)

    async def channels(self) -> list[str]:
        query = select(t.library.c.channel).distinct()
        async with self._database.read() as connection:
            return sorted(await connection.scalars(query))

    async def videos(self, channel: str) -> list[Video]:
        query = select(t.videos.c.video).join(t.library).where(t.library.c.channel == channel)
        async with self._database.read() as connection:
            found = await connection.scalars(query.order_by(t.library.c.id.desc()))
            return list(found)

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        async with self._database.write() as connection:
            known = await _known(connection, channel)
            gone = [known_id for known_id in known if video_id in (None, known_id)]
            await lock(connection, gone)
            for gone_id in gone:
                await _forget(connection, channel, gone_id)
            if video_id is None:
                await connection.execute(delete(t.turns).where(t.turns.c.channel == channel))
            await _leave(connection, channel, video_id)
        return gone


async def _known(connection: AsyncConnection, channel: str) -> list[str]:
    query = select(t.library.c.video_id).where(t.library.c.channel == channel)
    return list(await connection.scalars(query))


async def _forget(connection: AsyncConnection, channel: str, video_id: str) -> None:
    """The turns about it go with it, and when it was the last channel's, everything of it."""
    about = select(t.mentions.c.turn_id).where(t.mentions.c.video_id == video_id)
    turns = delete(t.turns).where(t.turns.c.id.in_(about))
    await connection.execute(turns.where(t.turns.c.channel == channel))
    own = (t.library.c.channel == channel, t.library.c.video_id == video_id)
    await connection.execute(delete(t.library).where(*own))
    if await connection.scalar(select(exists().where(t.library.c.video_id == video_id))):
        return
    await connection.execute(turns)
    await connection.execute(delete(t.videos).where(t.videos.c.id == video_id))
    await connection.execute(delete(t.pieces).where(t.pieces.c.video_id == video_id))


async def _leave(connection: AsyncConnection, channel: str, video_id: str | None) -> None:
    """No room and no button leads there any more. Open requests stay: they end by themselves."""
    for kept in (t.bindings, t.buttons):
        gone = delete(kept).where(kept.c.channel == channel)
        if video_id is not None:
            gone = gone.where(kept.c.video_id == video_id)
        await connection.execute(gone)
    if video_id is None:
        done = (t.requests.c.channel == channel, t.requests.c.done)
        await connection.execute(delete(t.requests).where(*done))
