"""The store survives kills, concurrent access, damage and locks, on SQLite's real files."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from core.backends.storage.database import engine_for_jobs, open_database, translated
from core.backends.storage.store import open_store, sqlite_url
from core.errors import CoreError, DataUnwritable, DiskFull, StoreBroken, StoreUnreachable
from core.model import Segment, Transcript, Video

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import asyncio, sys
from core.backends.storage.store import open_store
from core.model import Segment, Transcript, Video

async def main(url, name, count):
    async with open_store(url) as store:
        for n in range(count):
            video = Video(f"{name}{n:010}", "A" * 500)
            await store.videos.save(video)
            said = (Segment(0, 1, "Said."),) * 300
            await store.videos.save_transcript(Transcript(video.id, "en", "whisper", said))
            print(n, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""

MIGRATION_THAT_DIES = """
import asyncio, os, signal, sys
from core.backends.storage.database import open_database
from core.backends.storage.migrations import _upgrade

async def main(url):
    async with open_database(url) as database, database.write() as connection:
        await connection.run_sync(_upgrade)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(sys.argv[1]))
"""

OPENING = """
import asyncio, sys
from core.backends.storage.store import open_store

async def main(url):
    async with open_store(url) as store:
        await store.library.videos("c")

asyncio.run(main(sys.argv[1]))
print(*[name for name in ("alembic", "psycopg", "torch") if name in sys.modules])
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ids(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    found = {row[0] for row in connection.execute("SELECT id FROM videos")}
    connection.close()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


async def test_what_was_acknowledged_survives_a_kill(path):
    acknowledged = []
    for name in "ab":
        with start(WRITER, sqlite_url(path), name, 1_000_000) as writer:
            acknowledged += [f"{name}{int(next(writer.stdout)):010}" for _ in range(20)]
            writer.send_signal(signal.SIGKILL)
            acknowledged += [f"{name}{int(n):010}" for n in writer.stdout.read().split()]
        async with open_store(sqlite_url(path)) as store:
            await store.check()
            for video_id in acknowledged:
                transcript = await store.videos.transcript(video_id)
                assert len(transcript.segments) == 300


async def test_a_migration_killed_in_the_middle_is_done_again(path):
    with start(MIGRATION_THAT_DIES, sqlite_url(path)) as process:
        assert process.wait() == -signal.SIGKILL
    async with open_store(sqlite_url(path)) as store:
        await store.videos.save(Video("a", "Saved"))
        assert await store.videos.get("a") == Video("a", "Saved")


async def test_processes_that_start_and_write_together_lose_nothing(path):
    writers = [start(WRITER, sqlite_url(path), name, 15) for name in "abc"]
    for writer in writers:
        with writer:
            writer.communicate()
        assert writer.returncode == 0
    assert ids(path) == {f"{name}{n:010}" for name in "abc" for n in range(15)}


async def test_a_new_file_that_another_process_just_holds_is_waited_for(path):
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE theirs (id)")
    other.execute("BEGIN IMMEDIATE")
    opening = asyncio.create_task(open_and_check(sqlite_url(path)))
    await asyncio.sleep(0.1)
    other.close()
    await opening


def test_a_store_of_today_is_opened_without_alembic_or_a_driver_that_is_not_used(path):
    for imported in ("alembic", ""):
        with start(OPENING, sqlite_url(path)) as process:
            assert process.communicate()[0].strip() == imported


async def test_tasks_that_write_together_lose_nothing(path):
    async with open_store(sqlite_url(path)) as store:
        await asyncio.gather(*(store.videos.save(Video(f"v{n}", "V")) for n in range(50)))
    assert len(ids(path)) == 50


async def test_every_commit_reaches_the_disk_and_readers_do_not_wait(path):
    async with open_database(sqlite_url(path)) as database, database.read() as connection:
        found = {
            pragma: await connection.scalar(text(f"PRAGMA {pragma}"))
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    full = 2
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 15_000,
    }


async def test_no_connection_keeps_more_than_half_a_megabyte_of_pages(path):
    async with open_database(sqlite_url(path)) as database, database.read() as connection:
        kept = [await connection.scalar(text("PRAGMA cache_size"))]
        kept += await database.fetch(lambda own: own.scalars(text("PRAGMA cache_size")).all())
    jobs = engine_for_jobs(f"sqlite:///{path}")
    with jobs.connect() as connection:
        kept += connection.scalars(text("PRAGMA cache_size")).all()
    jobs.dispose()
    assert kept == [-512] * 3


async def test_a_write_that_waits_too_long_for_another_process_is_told(path):
    async with open_store(f"sqlite+aiosqlite:///{path}?timeout=0.05") as store:
        await store.videos.save(Video("a", "A"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBroken) as refused:
            await store.videos.save(Video("b", "B"))
        assert refused.value.detail == "SQLITE_BUSY"
        assert await store.videos.get("a") == Video("a", "A")
        other.close()
        await store.videos.save(Video("b", "B"))


async def test_what_comes_out_of_the_store_can_be_printed(path):
    halves = chr(0xD83D) + "bees" + chr(0xDC80) + "\0"
    async with open_store(sqlite_url(path)) as store:
        await store.videos.save(Video("a", halves, hashtags=(halves,)))
        said = (Segment(0, 1, halves),)
        await store.videos.save_transcript(Transcript("a", "en", "whisper", said))
        video = await store.videos.get("a")
        transcript = await store.videos.transcript("a")
    for text_out in (video.title, *video.hashtags, transcript.segments[0].text):
        assert text_out == "\ufffdbees\ufffd\ufffd"


@pytest.fixture
async def filled(path: Path) -> Path:
    """Create a store of some hundred pages."""
    async with open_store(sqlite_url(path)) as store:
        await store.videos.save(Video("a", "A"))
        said = tuple(Segment(n, n + 1, "Said. " * 50) for n in range(1000))
        await store.videos.save_transcript(Transcript("a", "en", "whisper", said))
    return path


async def open_and_check(url: str) -> None:
    async with open_store(url) as store:
        await store.check()


@pytest.mark.parametrize(("first", "last"), [(0, 100), (4096, 8192), (100_000, 200_000)])
async def test_a_damaged_file_is_noticed(filled, first, last):
    content = bytearray(filled.read_bytes())
    content[first:last] = b"\xa5" * (last - first)
    filled.write_bytes(content)
    with pytest.raises(StoreBroken) as refused:
        await open_and_check(sqlite_url(filled))
    assert filled.name not in str(refused.value)


async def test_a_file_cut_short_is_noticed(filled):
    os.truncate(filled, filled.stat().st_size // 2)
    with pytest.raises(StoreBroken):
        await open_and_check(sqlite_url(filled))


async def test_a_row_that_is_not_what_we_wrote_is_noticed(filled):
    connection = sqlite3.connect(filled)
    for wrong in ("{", '{"id": "a"}', '{"id": "a", "title": 1}'):
        connection.execute("UPDATE videos SET video = ?", [wrong])
        connection.commit()
        async with open_store(sqlite_url(filled)) as store:
            with pytest.raises(StoreBroken):
                await store.videos.get("a")
    connection.close()


def a_file_as_folder(folder: Path) -> str:
    (folder / "file").touch()
    return sqlite_url(folder / "file" / "store.db")


def a_folder_that_takes_no_folder(_: Path) -> str:
    return sqlite_url(Path("/proc/tubethread/store.db"))


def a_folder_that_takes_no_file(_: Path) -> str:
    return sqlite_url(Path("/proc/store.db"))


def a_folder_instead_of_a_file(folder: Path) -> str:
    return sqlite_url(folder)


@pytest.mark.parametrize(
    "address",
    [
        a_file_as_folder,
        a_folder_that_takes_no_folder,
        a_folder_that_takes_no_file,
        a_folder_instead_of_a_file,
    ],
)
async def test_a_place_that_cannot_be_written_is_told(tmp_path, address):
    with pytest.raises(DataUnwritable) as refused:
        await open_and_check(address(tmp_path))
    assert refused.value.facts == {}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "not an address",
        "nothing://here",
        "sqlite://",
        "sqlite:///store.db",
        "mysql+aiomysql://u:secret@h/db",
        "postgresql+psycopg://u:secret@127.0.0.1:1/db",
        "postgresql+psycopg://u:secret@/db?host=/nowhere",
        "postgresql+psycopg2://u:secret@127.0.0.1:1/db",
    ],
)
async def test_an_address_that_leads_nowhere_is_told(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreUnreachable) as refused:
        await open_and_check(url)
    assert "secret" not in str(refused.value)
    assert "nowhere" not in str(refused.value)


async def test_a_store_that_does_not_open_leaves_no_thread_behind(tmp_path):
    """A leftover thread would find the event loop closed and print a traceback."""
    before = set(threading.enumerate())
    for _ in range(20):
        with pytest.raises(CoreError):
            async with open_store(sqlite_url(tmp_path)):
                pass
        left = set(threading.enumerate()) - before
        assert not [thread for thread in left if "_connection_worker_thread" in thread.name]


async def test_a_file_that_cannot_be_written_is_told(filled):
    async def write() -> None:
        async with database.write() as connection:
            await connection.execute(text("PRAGMA query_only = ON"))
            await connection.execute(text("DELETE FROM videos"))

    async with open_database(sqlite_url(filled)) as database:
        with pytest.raises(DataUnwritable):
            await write()
    assert ids(filled) == {"a"}


async def test_a_full_disk_is_told_and_nothing_is_half_written(filled):
    async def fill_up() -> None:
        async with database.write() as connection:
            pages = await connection.scalar(text("PRAGMA page_count"))
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
            await connection.execute(text("INSERT INTO videos VALUES ('b', '{}')"))
            await connection.execute(text("INSERT INTO videos VALUES ('c', zeroblob(9000000))"))

    async with open_database(sqlite_url(filled)) as database:
        with pytest.raises(DiskFull):
            await fill_up()
    assert ids(filled) == {"a"}


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (OSError(28, "No space left on device"), DiskFull),
        (PermissionError(13, "Permission denied", "/home/secret"), DataUnwritable),
    ],
)
def test_what_the_folder_refuses_is_told_and_its_cause_kept(cause, told):
    with pytest.raises(CoreError) as refused, translated(StoreUnreachable):
        raise cause
    assert type(refused.value) is told
    assert refused.value.__cause__ is cause
