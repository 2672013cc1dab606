"""Messages to deliver to the platforms: `OutboxEntries` over a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, RowMapping, and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage.database import Database
from core.backends.storage.requests import is_about
from core.backends.storage.tables import bindings, outbox, requests
from core.backends.storage.upsert import insert_into
from core.chat_records import OutboxEntry

_o = outbox.c
_IS_OVER = and_(_o.finished, _o.shown == _o.revision)


class SqlOutboxEntries:
    """Fulfils `OutboxEntries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: OutboxEntry) -> OutboxEntry:
        async with self._database.write() as connection:
            new = insert_into(connection, outbox).values(_values(entry))
            await connection.execute(new.on_conflict_do_nothing())
            stored = await connection.execute(select(outbox).where(_named(entry)))
            return _entry(stored.one())

    async def save(self, entry: OutboxEntry) -> None:
        change = update(outbox).where(_named(entry)).values(_values(entry))
        async with self._database.write() as connection:
            await connection.execute(change)

    async def unfinished(self, platform: str) -> list[OutboxEntry]:
        query = select(outbox).where(_o.platform == platform, ~_IS_OVER).order_by(_o.number)
        async with self._database.read() as connection:
            return [_entry(row) for row in await connection.execute(query)]

    async def purge(self, before: datetime) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(outbox).where(_IS_OVER, _o.saved_at < before))


async def forget_messages(
    connection: AsyncConnection, channel: str, video_id: str | None = None
) -> int:
    """Delete the messages about the video, or all of the channel, that are not delivered for good;
    those that are hold no words. Call it before the channel's bindings and requests go.

    A message is about what its request is about; one without a request, about what its place is.
    A message that a request still writes is kept without words, so that people are told its end.
    Return how many there were."""
    o = (_o.number, _o.platform, _o.key, _o.owner, _o.place, _o.kind, _o.finished)
    found = (await connection.execute(select(*o).where(~_IS_OVER))).mappings().all()
    known = await _requests(connection, {one for row in found for one in _request_ids(row)})
    places = await _places(connection, channel, video_id)
    written: list[int] = []
    gone: list[int] = []
    for row in found:
        own = [known[one] for one in _request_ids(row) if one in known]
        if not own and (row["platform"], row["place"]) in places:
            gone.append(row["number"])
        elif any(_is_about(channel, video_id, request) for request in own):
            (written if _is_written(row, own) else gone).append(row["number"])
    await connection.execute(delete(outbox).where(_o.number.in_(gone)))
    wordless = update(outbox).values(draft="", shown=_o.revision)
    await connection.execute(wordless.where(_o.number.in_(written)))
    return len(gone) + len(written)


def _is_written(row: RowMapping, own: Sequence[RowMapping]) -> bool:
    """Whether a request still writes the message."""
    is_task = any(one["request"]["kind"] != "summary" for one in own)
    return is_task and row["kind"] == "message" and not row["finished"]


def _request_ids(row: RowMapping) -> list[str]:
    """Every id that its request may have: the key is the request's id and more."""
    parts = row["key"].split(":")
    return [row["owner"], *(":".join(parts[:n]) for n in range(2, len(parts)))]


async def _requests(connection: AsyncConnection, ids: set[str]) -> dict[str, RowMapping]:
    r = requests.c
    query = select(r.id, r.channel, r.video_id, r.request).where(r.id.in_(ids))
    return {row["id"]: row for row in (await connection.execute(query)).mappings()}


def _is_about(channel: str, video_id: str | None, request: RowMapping) -> bool:
    kind = request["request"]["kind"]
    return request["channel"] == channel and (
        video_id is None or is_about(video_id, kind, request["video_id"])
    )


async def _places(
    connection: AsyncConnection, channel: str, video_id: str | None
) -> set[tuple[str, str]]:
    """Platform and place of what is bound to the video, or to the channel, and of the channel."""
    b = bindings.c
    query = select(b.platform, b.place).where(b.channel == channel)
    if video_id is not None:
        query = query.where(b.video_id == video_id, b.message_id == "")
        return {(row.platform, row.place) for row in await connection.execute(query)}
    platform, _, place = channel.partition(":")
    return {
        (platform, place),
        *((row.platform, row.place) for row in await connection.execute(query)),
    }


def _named(entry: OutboxEntry) -> ColumnElement[bool]:
    return and_(_o.platform == entry.platform, _o.key == entry.key)


def _values(entry: OutboxEntry) -> dict[str, Any]:
    values = asdict(entry.stored) | {"saved_at": datetime.now(UTC)}
    del values["number"]  # the database counts
    return values


def _entry(row: Row[Any]) -> OutboxEntry:
    values = dict(row._mapping)
    del values["saved_at"]
    return OutboxEntry(**values)
