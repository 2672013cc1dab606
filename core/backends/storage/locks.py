"""Lock videos while a transaction writes what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage import tables as t
from core.errors import UnknownVideo


async def hold(connection: AsyncConnection, video_ids: Sequence[str]) -> None:
    """Lock the videos until the transaction ends. Raises UnknownVideo."""
    held = await lock(connection, video_ids)
    for video_id in video_ids:
        if video_id not in held:
            raise UnknownVideo(video_id)


async def lock(connection: AsyncConnection, video_ids: Sequence[str]) -> set[str]:
    """Lock the videos and return those that exist.

    PostgreSQL locks the rows in order of id, so that no two transactions deadlock. SQLite has one
    writer at a time and needs no lock."""
    v = t.videos.c
    rows = select(v.id).where(v.id.in_(video_ids)).order_by(v.id).with_for_update()
    return set(await connection.scalars(rows))
