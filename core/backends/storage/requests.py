"""The store of chat requests: `Requests` over a database.

The column `request` holds one JSON object for every kind, told apart by `kind`: the format that
released versions wrote. Of a request that is done only the kind stays, and the id, by which an
event that is delivered twice is recognised.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage.database import Database
from core.backends.storage.tables import requests
from core.backends.storage.upsert import insert_into
from core.chat_records import AskRequest, Request, SummaryRequest, WatchRequest
from core.json_values import from_plain

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
        if not request.done:  # one that was forgotten meanwhile is not opened again
            change = change.where(~_r.done)
        async with self._database.write() as connection:
            await connection.execute(change)

    async def open(self, platform: str) -> list[Request]:
        query = select(_r.request).where(_r.platform == platform, ~_r.done).order_by(_r.number)
        async with self._database.read() as connection:
            return [_from_json(row) for row in await connection.scalars(query)]

    async def purge(self, before: datetime) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(requests).where(_r.done, _r.saved_at < before))


async def forget_requests(
    connection: AsyncConnection, channel: str, video_id: str | None = None
) -> int:
    """Close the requests about the video, or all of the channel, and keep no word of them. Their
    ids stay, so that an event delivered again is not a new request. Return how many were open."""
    count = 0
    if video_id is None:
        await connection.execute(delete(requests).where(_r.channel == channel, _r.done))
    unfinished = select(_r.id, _r.request, _r.video_id).where(_r.channel == channel, ~_r.done)
    for row in (await connection.execute(unfinished)).all():
        if video_id is None or is_about(video_id, row.request["kind"], row.video_id):
            closed = {"done": True, "request": without_words(row.request)}
            await connection.execute(update(requests).where(_r.id == row.id).values(closed))
            count += 1
    return count


def is_about(video_id: str, kind: str, about: str) -> bool:
    """Whether a request about the video `about` may hold words of `video_id`: a question about all
    videos of the channel may be answered with any."""
    return about == video_id or (kind == "ask" and about == "")


def _values(request: Request) -> dict[str, Any]:
    flat = _to_json(request)
    return {
        "id": request.id,
        "platform": request.origin.platform,
        "channel": request.origin.channel,
        "video_id": request.video_id,
        "done": request.done,
        "request": without_words(flat) if request.done else flat,
        "saved_at": datetime.now(UTC),
    }


def without_words(flat: dict[str, Any]) -> dict[str, Any]:
    return {"kind": flat["kind"]}


def _to_json(request: Request) -> dict[str, Any]:
    flat = asdict(request)
    if isinstance(request, SummaryRequest):
        return {"kind": "summary", **flat}
    flat |= flat.pop("origin")
    if isinstance(request, AskRequest):
        return {"kind": "ask", "text": flat.pop("question"), **flat}
    return {"kind": "watch", "text": "", **flat}  # earlier releases require `text`


def _from_json(flat: dict[str, Any]) -> Request:
    """Raise KeyError or ValueError for a row that does not hold a request."""
    if flat["kind"] == "summary":
        return from_plain(SummaryRequest, flat)
    is_ask = flat["kind"] == "ask"
    named = {**flat, "question": flat["text"], "origin": flat}  # extra keys are ignored
    return from_plain(AskRequest, named) if is_ask else from_plain(WatchRequest, named)
