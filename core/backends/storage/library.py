"""Which videos a channel knows, and forgetting them: `Library` over a database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    ColumnElement,
    Row,
    Select,
    Table,
    delete,
    exists,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage import tables as t
from core.backends.storage.database import Database
from core.backends.storage.locks import hold, lock
from core.backends.storage.outbox import forget_messages
from core.backends.storage.outdated_copies import mark_copies_outdated
from core.backends.storage.requests import forget_requests
from core.backends.storage.revisions import mark_changed, search_title
from core.backends.storage.upsert import insert_into
from core.errors import UnknownVideo
from core.model import Video

_LET_OTHERS_WRITE_S, _LET_OTHERS_WRITE = 0.03, 2.0
"""Pause between two deletions: at least in seconds, and in times what the last one took. SQLite's
waiting writers try again every 25 to 100 ms, and seldom hit the moment between two transactions,
which a slow disk must not make short beside them."""

_l, _v = t.library.c, t.videos.c
_Query = TypeVar("_Query", bound=Select[Any])
_title = type_coerce(_v.video, JSON)["title"].as_string()
_named = select(_v.video, _l.file_name)


class SqlLibrary:
    """Fulfils `Library`. Every query reads as many videos as it returns, whatever the channel
    holds; only `find` looks at all titles, `recipes` at all recipes and `videos` at everything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, channel: str, video_id: str, file_name: str = "") -> None:
        async with self._database.write() as connection:
            await hold(connection, [video_id])
            video = (await connection.scalars(select(_v.video).where(_v.id == video_id))).one()
            new = insert_into(connection, t.library).values(
                channel=channel,
                video_id=video_id,
                file_name=file_name,
                search_title=search_title(video.named(file_name)),
            )
            if await connection.scalar(new.on_conflict_do_nothing().returning(_l.id)):
                await mark_changed(connection, [channel])

    async def get(self, channel: str, video_id: str) -> Video | None:
        found = await self.get_many(channel, [video_id])
        return found[0] if found else None

    async def get_many(self, channel: str, video_ids: Sequence[str]) -> list[Video]:
        query = _of(channel, _named.join(t.library)).where(_l.video_id.in_(video_ids))
        return await self._database.fetch(lambda db: _videos(db.execute(query)))

    async def count(self, channel: str) -> int:
        query = select(func.count()).select_from(t.library).where(_l.channel == channel)
        return await self._database.fetch(lambda db: db.scalar(query)) or 0

    async def page(self, channel: str, limit: int, offset: int = 0) -> list[Video]:
        columns = select(_l.id, _l.video_id, _l.file_name)
        page = _of(channel, columns).limit(limit).offset(offset).subquery()
        named = select(_v.video, page.c.file_name).join(page, page.c.video_id == _v.id)
        query = named.order_by(page.c.id.desc())
        return await self._database.fetch(lambda db: _videos(db.execute(query)))

    async def find(
        self, channel: str, typed: str, limit: int, *, whole: bool = False
    ) -> dict[str, str]:
        wanted = typed.casefold()
        title = _l.search_title
        matches = title == wanted if whole else title.contains(wanted, autoescape=True)
        columns = select(_l.id, _l.video_id, _l.file_name).where(matches)
        found = _of(channel, columns).limit(limit).subquery()
        query = select(_v.id, _title, found.c.file_name).join(found, found.c.video_id == _v.id)
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(found.c.id.desc()))
            return {id: Video(id, title).named(file_name).title for id, title, file_name in rows}

    async def videos(self, channel: str) -> list[Video]:
        query = _of(channel, _named.join(t.library))
        async with self._database.read() as connection:
            return _videos(await connection.execute(query))

    async def pin(self, channel: str, video_id: str, *, pinned: bool) -> None:
        row = update(t.library).where(_l.channel == channel, _l.video_id == video_id)
        async with self._database.write() as connection:
            if not (await connection.execute(row.values(pinned=pinned))).rowcount:
                raise UnknownVideo(video_id)

    async def pinned(self, channel: str, video_ids: Sequence[str]) -> set[str]:
        query = select(_l.video_id).where(_l.channel == channel, _l.pinned)
        query = query.where(_l.video_id.in_(video_ids))
        return await self._database.fetch(lambda db: set(db.scalars(query)))

    async def expired(self, before: datetime) -> tuple[str, str] | None:
        query = select(_l.channel, _l.video_id).where(_l.added_at < before, ~_l.pinned)
        query = query.order_by(_l.id).limit(1)
        row = await self._database.fetch(lambda db: db.execute(query).one_or_none())
        return (row.channel, row.video_id) if row else None

    async def channels(self) -> list[str]:
        query = select(_l.channel).distinct()
        async with self._database.read() as connection:
            return sorted(await connection.scalars(query))

    async def revision(self, channel: str) -> str:
        r = t.revisions.c
        query = select(r.revision).where(r.channel == channel)
        return await self._database.fetch(lambda db: db.scalar(query)) or ""

    async def revisions(self) -> dict[str, str]:
        query = select(t.revisions.c.channel, t.revisions.c.revision)
        return await self._database.fetch(lambda db: {of: token for of, token in db.execute(query)})

    async def recipes(self, channel: str) -> dict[str, str]:
        c = t.chunkings.c
        has_chunks = exists().where(t.chunks.c.video_id == c.video_id)
        chunked = select(c.video_id, c.recipe).join(t.library, _l.video_id == c.video_id)
        query = _of(channel, chunked).where(has_chunks)
        return await self._database.fetch(lambda db: {of: made for of, made in db.execute(query)})

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        known = _of(channel, select(_l.video_id))
        if video_id is not None:
            known = known.where(_l.video_id == video_id)
        async with self._database.write() as connection:
            gone = list(await connection.scalars(known))
            await lock(connection, gone)
            deleted = [
                await forget_messages(connection, channel, video_id),
                await forget_requests(connection, channel, video_id),
                await _unlink(connection, channel, video_id),
            ]
            if any(deleted) or video_id is not None:  # servers delete channels without a word too
                await mark_copies_outdated(connection)
            if video_id is None:
                m = t.memberships.c
                left = delete(t.memberships).where(m.channel == channel, m.left_at.is_not(None))
                await connection.execute(left)
            await _note_unknown(connection, gone)
            await mark_changed(connection, [channel])
        await self.delete_unknown()
        await self._database.empty_log()
        return gone

    async def delete_unknown(self) -> bool:
        """Delete the videos that no channel knows since `forget`, also those that a kill left; tell
        whether there were any. Each in a transaction of its own, so that other writes need not wait
        for thousands (#12)."""
        f = t.forgotten.c.video_id
        async with self._database.read() as connection:
            gone = list(await connection.scalars(select(f)))
        for video_id in gone:
            began = time.monotonic()
            async with self._database.write() as connection:
                await lock(connection, [video_id])
                await connection.execute(delete(t.forgotten).where(f == video_id))
                await _delete_unless_known(connection, video_id)
            took_s = time.monotonic() - began
            await asyncio.sleep(max(_LET_OTHERS_WRITE_S, _LET_OTHERS_WRITE * took_s))
        return bool(gone)


def _videos(rows: Iterable[Row[Video, str]]) -> list[Video]:
    """The videos, each by its channel's name for it."""
    return [video.named(file_name) for video, file_name in rows]


def _of(channel: str, query: _Query) -> _Query:
    """The query's rows of the channel, newest first. A later `id` is a later row."""
    return query.where(_l.channel == channel).order_by(_l.id.desc())


async def _unlink(connection: AsyncConnection, channel: str, video_id: str | None) -> int:
    """Delete the channel's own rows that lead to the video, or all of them: its place in the
    library, turns, bindings and buttons. Buttons about all videos may name any. Return how many."""
    count = 0
    for table in (t.library, t.turns, t.bindings, t.buttons):
        gone = delete(table).where(table.c.channel == channel)
        if video_id is not None:
            gone = gone.where(_leads_to(table, video_id))
        count += (await connection.execute(gone)).rowcount
    return count


def _leads_to(table: Table, video_id: str) -> ColumnElement[bool]:
    if table is t.turns:
        return table.c.id.in_(_turns_about(video_id))
    if table is t.buttons:
        return table.c.video_id.in_((video_id, ""))
    return table.c.video_id == video_id


def _turns_about(video_id: str) -> Select[tuple[int]]:
    return select(t.mentions.c.turn_id).where(t.mentions.c.video_id == video_id)


async def _note_unknown(connection: AsyncConnection, video_ids: Sequence[str]) -> None:
    """Note which of the videos no channel knows any more."""
    is_known = exists().where(_l.video_id == _v.id)
    query = select(_v.id).where(_v.id.in_(video_ids), ~is_known)
    rows = [{"video_id": video_id} for video_id in await connection.scalars(query)]
    if rows:
        new = insert_into(connection, t.forgotten).on_conflict_do_nothing()
        await connection.execute(new, rows)


async def _delete_unless_known(connection: AsyncConnection, video_id: str) -> None:
    """Delete the video and everything made from it if no channel knows it."""
    if await connection.scalar(select(exists().where(_l.video_id == video_id))):
        return
    await mark_copies_outdated(connection)  # one may have been made since `forget`
    await connection.execute(delete(t.turns).where(t.turns.c.id.in_(_turns_about(video_id))))
    await connection.execute(delete(t.videos).where(_v.id == video_id))
    await connection.execute(delete(t.pieces).where(t.pieces.c.video_id == video_id))
