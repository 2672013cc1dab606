"""What the library keeps beside a video so that no lookup reads a whole channel: a revision per
channel, which changes with its videos and their chunks, and each title as it is searched."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage import tables as t
from core.backends.storage.upsert import insert_into
from core.model import Video


def search_title(video: Video) -> str:
    """The text that a search among titles compares with: the id where there is no title."""
    return (video.title or video.id).casefold()


async def save_title(connection: AsyncConnection, video: Video) -> None:
    """Bring the title up to date in every channel that knows the video; each has its own name for
    a file."""
    if video.is_file:
        return
    row = t.library.c
    changed = update(t.library).where(row.video_id == video.id)
    title = search_title(video)
    await connection.execute(changed.where(row.search_title != title).values(search_title=title))


async def mark_video_changed(connection: AsyncConnection, video_id: str) -> None:
    """Give every channel that knows the video a new revision. Last in its transaction."""
    query = select(t.library.c.channel).where(t.library.c.video_id == video_id)
    await mark_changed(connection, list(await connection.scalars(query)))


async def mark_changed(connection: AsyncConnection, channels: Sequence[str]) -> None:
    """Give the channels a new revision; one that knows no video any more keeps none.

    Last in its transaction and in the same order everywhere, so that no two transactions of
    PostgreSQL wait for each other."""
    r = t.revisions.c
    rows = [{"channel": channel, "revision": uuid4().hex} for channel in sorted(channels)]
    if rows:
        new = insert_into(connection, t.revisions).values(rows)
        changed = {"revision": new.excluded.revision}
        await connection.execute(
            new.on_conflict_do_update(index_elements=["channel"], set_=changed)
        )
        is_known = exists().where(t.library.c.channel == r.channel)
        await connection.execute(delete(t.revisions).where(r.channel.in_(channels), ~is_known))
