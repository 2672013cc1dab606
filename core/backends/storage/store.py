"""The store: every port that keeps data, over one database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, ColumnElement, Connection, delete, exists, insert, select, text

from core.backends.storage import tables as t
from core.backends.storage.checkpoints import SqlCheckpoints
from core.backends.storage.chunks import SqlChunks
from core.backends.storage.database import Database, open_database
from core.backends.storage.library import SqlLibrary
from core.backends.storage.locks import hold
from core.backends.storage.memberships import SqlMemberships
from core.backends.storage.migrations import migrate
from core.backends.storage.outbox import SqlOutboxEntries
from core.backends.storage.outdated_copies import OutdatedCopies
from core.backends.storage.people import forget_person, refuse_forgotten
from core.backends.storage.place_bindings import SqlButtons, SqlPlaceBindings
from core.backends.storage.requests import SqlRequests
from core.backends.storage.revisions import mark_video_changed, save_title
from core.backends.storage.settings import SqlSettings
from core.backends.storage.upsert import insert_into
from core.backends.storage.usage import SqlUsage
from core.errors import StoreBroken
from core.model import ANYBODY, Asker, Segment, Summary, Transcript, Turn, Video

BUSY_S = 15
"""How long a write waits for those of other processes; none takes more than a second."""


_WRITTEN = "~check"
"""No video has this id."""
QUICK_CHECK_BYTES = 64 * 1024 * 1024
"""Largest store that is checked at every start; the check takes about 15 ms."""


class Store:
    """The store's ports over one database. Any number of processes may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database  # borrowed: open_store closes it
        self.videos = SqlVideos(database)
        self.chunks = SqlChunks(database)
        self.library = SqlLibrary(database)
        self.threads = SqlThreads(database)
        self.outbox_entries = SqlOutboxEntries(database)
        self.checkpoints = SqlCheckpoints(database)
        self.requests = SqlRequests(database)
        self.bindings = SqlPlaceBindings(database)
        self.buttons = SqlButtons(database)
        self.settings = SqlSettings(database)
        self.usage = SqlUsage(database)
        self.memberships = SqlMemberships(database)
        self.outdated_copies = OutdatedCopies(database)

    async def check(self) -> None:
        """Check that the store can be written and is undamaged; a gigabyte takes seconds.

        Raises StoreBroken, DiskFull, DataUnwritable."""
        async with self._database.write():
            pass
        await self._check_pages()

    async def write_once(self) -> None:
        """Write one small row as a check. Raises StoreBroken, DiskFull, DataUnwritable."""
        await self.checkpoints.save(_WRITTEN, "", 0, "")

    async def quick_check(self) -> None:
        """Check a store below QUICK_CHECK_BYTES for damage. A larger one is only opened, which
        notices a missing start or end. Raises StoreBroken."""
        await self._check_pages(QUICK_CHECK_BYTES)

    async def _check_pages(self, max_bytes: int | None = None) -> None:
        async with self._database.read() as connection:
            if connection.dialect.name != "sqlite":
                return
            pages = await connection.scalar(text("PRAGMA page_count"))
            size = await connection.scalar(text("PRAGMA page_size"))
            if max_bytes is not None and pages * size > max_bytes:
                return
            found = await connection.scalar(text("PRAGMA quick_check(1)"))
            if found != "ok":
                raise StoreBroken(str(found))


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file whose writers wait up to BUSY_S for each other."""
    query = {"timeout": str(BUSY_S)}
    return URL.create("sqlite+aiosqlite", database=str(path), query=query).render_as_string()


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the store at `url`: sqlite_url(path), or postgresql+psycopg://… Creates the folder and
    tables, or migrates those of an older release.

    Raises StoreUnreachable, also for a newer release's database; DataUnwritable, DiskFull,
    StoreBroken."""
    async with open_database(url) as database:
        await migrate(database)
        store = Store(database)
        await store.quick_check()
        if await store.library.delete_unknown():  # what a kill has left
            await database.empty_log()
        yield store


class SqlVideos:
    """Fulfils `Videos`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, video: Video) -> None:
        async with self._database.write() as connection:
            new = insert_into(connection, t.videos).values(id=video.id, video=video)
            changed = {"video": new.excluded.video}
            await connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=changed))
            await save_title(connection, video)
            forgotten = t.forgotten.c.video_id  # it is wanted again
            await connection.execute(delete(t.forgotten).where(forgotten == video.id))

    async def discard(self, video_id: str) -> None:
        v = t.videos.c.id
        is_used = exists().where(t.transcripts.c.video_id == v) | exists().where(
            t.library.c.video_id == v
        )
        async with self._database.write() as connection:
            await connection.execute(delete(t.videos).where(v == video_id, ~is_used))

    async def get(self, video_id: str) -> Video | None:
        query = select(t.videos.c.video).where(t.videos.c.id == video_id)
        return await self._database.fetch(lambda db: db.scalar(query))

    async def save_transcript(self, transcript: Transcript) -> None:
        """Raises UnknownVideo."""
        video_id = transcript.video_id
        row = {"language": transcript.language, "source": transcript.source}
        segments = [
            {
                "video_id": video_id,
                "number": n,
                "start_s": s.start_s,
                "end_s": s.end_s,
                "text": s.text,
            }
            for n, s in enumerate(transcript.segments)
        ]
        async with self._database.write() as connection:
            await hold(connection, [video_id])
            for old in (t.transcripts, t.summaries, t.chunkings):
                await connection.execute(delete(old).where(old.c.video_id == video_id))
            await connection.execute(
                insert(t.transcripts), {"video_id": video_id, "recipe": transcript.recipe, **row}
            )
            if segments:
                await connection.execute(insert(t.segments), segments)
            await mark_video_changed(connection, video_id)

    async def transcript(self, video_id: str) -> Transcript | None:
        query = select(t.transcripts).where(t.transcripts.c.video_id == video_id)

        def read(connection: Connection) -> Transcript | None:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            segments = tuple(_segments(connection, video_id))
            return Transcript(row.video_id, row.language, row.source, segments, row.recipe)

        return await self._database.fetch(read)

    async def save_summary(self, video_id: str, recipe: str, summary: Summary) -> None:
        """Raises UnknownVideo."""
        row = {"video_id": video_id, "recipe": recipe, "summary": summary}
        async with self._database.write() as connection:
            await hold(connection, [video_id])
            await connection.execute(delete(t.summaries).where(*_key(video_id, recipe)))
            await connection.execute(insert(t.summaries), row)

    async def summary(self, video_id: str, recipe: str) -> Summary | None:
        query = select(t.summaries.c.summary).where(*_key(video_id, recipe))
        return await self._database.fetch(lambda db: db.scalar(query))


class SqlThreads:
    """Fulfils `Threads`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def turns(self, channel: str, thread: str, limit: int) -> list[Turn]:
        query = (
            select(t.turns.c.turn)
            .where(t.turns.c.channel == channel, t.turns.c.thread == thread)
            .order_by(t.turns.c.id.desc())
            .limit(limit)
        )
        return await self._database.fetch(lambda db: list(db.scalars(query))[::-1])

    async def forget(self, platform: str, person: str) -> int:
        async with self._database.write() as connection:
            gone = await forget_person(connection, platform, person)
        await self._database.empty_log()
        return gone

    async def add(
        self,
        channel: str,
        thread: str,
        turn: Turn,
        video_ids: Sequence[str],
        asker: Asker = ANYBODY,
    ) -> None:
        row = {"channel": channel, "thread": thread, "turn": turn, "person": asker.person}
        async with self._database.write() as connection:
            await refuse_forgotten(connection, asker.request)
            await hold(connection, video_ids)
            turn_id = await connection.scalar(insert(t.turns).returning(t.turns.c.id), row)
            for video_id in set(video_ids):
                mention = {"turn_id": turn_id, "video_id": video_id}
                await connection.execute(insert(t.mentions), mention)


def _key(video_id: str, recipe: str) -> tuple[ColumnElement[bool], ...]:
    return t.summaries.c.video_id == video_id, t.summaries.c.recipe == recipe


def _segments(connection: Connection, video_id: str) -> list[Segment]:
    s = t.segments.c
    query = select(s.start_s, s.end_s, s.text).where(s.video_id == video_id)
    return [Segment(*row) for row in connection.execute(query.order_by(s.number))]
