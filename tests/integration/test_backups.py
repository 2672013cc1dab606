"""Copies are consistent while others write the store; restoring is safe while others read it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from core.backends.storage.sqlite_copy import check, copy
from core.backends.storage.store import open_store, sqlite_url
from core.backup.backup_restore import back_up, restore
from core.backup.daily_copies import KEPT, copies, keep_copies, keep_copy, naming_the_newest
from core.backup.outdated_copies import StoreCopies
from core.config import Core
from core.errors import (
    BackupTooNew,
    CannotWrite,
    NoBackup,
    NotABackup,
    NotSqlite,
    StoreBroken,
    StoreInUse,
)
from core.model import Segment, Transcript, Video

ROOT = Path(__file__).resolve().parents[2]
DAY_S = 86_400.0

WRITER = """
import asyncio, sys
from itertools import count
from contextlib import suppress
from core.backends.storage.store import open_store
from core.errors import UnknownVideo
from core.model import Segment, Transcript, Video

async def main(url):
    async with open_store(url) as store:
        for n in count():
            video = Video(f"w{n:010}", "A" * 500)
            said = (Segment(0, 1, "Said."),) * 300
            with suppress(UnknownVideo):  # what was replaced between the two
                await store.videos.save(video)
                await store.videos.save_transcript(Transcript(video.id, "en", "whisper", said))
                print(n, flush=True)

asyncio.run(main(sys.argv[1]))
"""

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM videos").fetchone(), flush=True)
input()
"""

COPYING = """
import asyncio, sys
from pathlib import Path
from core.config import Core
from core.backup.backup_restore import back_up, restore

does = {"back_up": back_up, "restore": restore}[sys.argv[1]]
print("now", flush=True)
asyncio.run(does(Core(data_dir=Path(sys.argv[2])), Path(sys.argv[3])))
"""


@pytest.fixture
def config(tmp_path: Path) -> Core:
    return Core(data_dir=tmp_path / "data")


@pytest.fixture
def live(config: Core) -> Path:
    return config.data_dir / "tubethread.db"


def opened(live: Path):
    return open_store(sqlite_url(live))


def long(video_id: str) -> Transcript:
    return Transcript(video_id, "en", "whisper", (Segment(0, 1, "Said. " * 40),) * 3000)


async def fill(live: Path, *video_ids: str) -> None:
    async with opened(live) as store:
        for video_id in video_ids:
            await store.videos.save(Video(video_id, video_id))
            await store.videos.save_transcript(long(video_id))


def ids(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return {row[0] for row in connection.execute("SELECT id FROM videos")}
    finally:
        connection.close()


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


# Making copies


async def test_a_copy_made_while_another_process_writes_is_one_moment_of_the_store(
    tmp_path, config, live
):
    copied = []
    with start(WRITER, sqlite_url(live)) as writer:
        for n in range(3):
            acknowledged = int(next(writer.stdout))
            target = tmp_path / f"copy{n}"
            await back_up(config, target)
            copied.append((acknowledged, target))
        writer.send_signal(signal.SIGKILL)
        writer.stdout.read()
    for acknowledged, target in copied:
        assert ids(target) >= {f"w{n:010}" for n in range(acknowledged + 1)}
    assert len(ids(copied[2][1])) > len(ids(copied[0][1]))
    assert {path.name for path in tmp_path.iterdir()} == {"data", "copy0", "copy1", "copy2"}


async def test_what_was_forgotten_is_in_no_later_copy(tmp_path, config, live):
    async with opened(live) as store:
        await store.videos.save(Video("a", "quaggazebu" * 5000))
    with sqlite3.connect(live) as connection:
        connection.execute("PRAGMA secure_delete = OFF")  # the default of many SQLite builds
        connection.execute("DELETE FROM videos")
    connection.close()
    assert b"quagga" in live.read_bytes(), "on a free page"
    await back_up(config, tmp_path / "copy")
    assert b"quagga" not in (tmp_path / "copy").read_bytes()


async def test_a_copy_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path, config, live):
    await fill(live, "a")
    for target in (tmp_path / "none" / "copy", live):
        with pytest.raises(CannotWrite) as refused:
            await back_up(config, target)
        assert refused.value.name == target.name
    assert ids(live) == {"a"}
    assert not list(tmp_path.rglob("*.part"))


async def test_a_copy_is_stopped_at_once_and_leaves_nothing(tmp_path, live):
    await fill(live, *"abcdefghij")
    for pause_s in (0.0, 0.001, 0.01):
        copying = asyncio.create_task(copy(live, tmp_path / "copy"))
        await asyncio.sleep(pause_s)
        copying.cancel()
        with suppress(asyncio.CancelledError):
            await copying
        assert not list(tmp_path.rglob("*.part"))


async def test_a_damaged_store_is_not_copied_over_a_good_copy(tmp_path, config, live):
    await fill(live, "a")
    await back_up(config, tmp_path / "copy")
    damage(live, 0.5)
    with pytest.raises(StoreBroken):
        await copy(live, tmp_path / "copy")
    assert ids(tmp_path / "copy") == {"a"}


async def test_postgresql_is_left_to_its_own_programs(tmp_path):
    config = Core(data_dir=tmp_path, database_url="postgresql+psycopg://u:secret@127.0.0.1:1/db")
    with pytest.raises(NotSqlite):
        await back_up(config, tmp_path / "copy")
    with pytest.raises(NotSqlite):
        await restore(config, tmp_path / "copy")


# Restoring copies


async def test_a_copy_put_back_is_seen_at_once_by_who_has_the_store_open(tmp_path, config, live):
    await fill(live, "a", "b")
    async with opened(live) as store:
        await back_up(config, tmp_path / "copy")
        await store.videos.save(Video("c", "C"))
        await store.videos.save_transcript(long("c"))
        name, kept = await restore(config, tmp_path / "copy")
        assert name == "copy"
        assert await store.videos.get("c") is None
        assert await store.videos.transcript("a") == long("a")
        await store.videos.save(Video("d", "D"))
        await store.check()
    assert ids(live) == {"a", "b", "d"}
    assert ids(live.parent / kept) == {"a", "b", "c"}
    assert ids(tmp_path / "copy") == {"a", "b"}
    assert not any((config.data_dir / "backups").iterdir())


async def test_a_reader_goes_on_seeing_its_moment_while_a_copy_is_put_back(tmp_path, config, live):
    await fill(live, "a")
    await back_up(config, tmp_path / "copy")
    await fill(live, "b")
    reader = sqlite3.connect(live, isolation_level=None)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT count(*) FROM videos").fetchone()
    await restore(config, tmp_path / "copy")
    assert reader.execute("SELECT count(*) FROM videos").fetchone() == seen == (2,)
    reader.close()
    assert ids(live) == {"a"}


async def test_putting_back_waits_for_a_writer(tmp_path, config, live):
    await fill(live, "a")
    await back_up(config, tmp_path / "copy")
    writer = sqlite3.connect(live, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM videos")
    putting = asyncio.create_task(restore(config, tmp_path / "copy"))
    await asyncio.sleep(0.3)
    assert not putting.done()
    writer.execute("COMMIT")
    writer.close()
    await putting
    assert ids(live) == {"a"}


async def test_processes_that_go_on_writing_lose_only_what_was_replaced(tmp_path, config, live):
    await fill(live, "a")
    await back_up(config, tmp_path / "copy")
    with start(WRITER, sqlite_url(live)) as writer:
        for _ in range(5):
            next(writer.stdout)
        await restore(config, tmp_path / "copy")
        for _ in range(200):
            if len(written := ids(live) - {"a"}) > 10:
                break
            await asyncio.sleep(0.05)
        writer.send_signal(signal.SIGKILL)
        writer.stdout.read()
    assert ids(live) >= {"a", *written}
    assert len(written) > 10
    assert "w0000000000" not in written


async def test_a_store_that_is_not_there_is_put_back_too(tmp_path, config, live):
    await fill(live, "a")
    await back_up(config, tmp_path / "copy")
    live.unlink()
    assert await restore(config, tmp_path / "copy") == ("copy", "")
    assert ids(live) == {"a"}


async def test_what_is_no_copy_is_refused_and_changes_nothing(tmp_path, config, live):
    await fill(live, "a")
    await back_up(config, tmp_path / "whole")
    (tmp_path / "words").write_text("Not a database. " * 1000)
    (tmp_path / "empty").touch()
    with sqlite3.connect(tmp_path / "theirs") as connection:
        connection.execute("CREATE TABLE videos (id)")
    connection.close()
    content = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(content[: len(content) // 2])
    for name in ("words", "empty", "theirs", "cut", "missing"):
        with pytest.raises(NotABackup) as refused:
            await restore(config, tmp_path / name)
        assert refused.value.name == name
    assert ids(live) == {"a"}
    assert list(live.parent.glob("*before*")) == []


async def test_a_newer_releases_copy_is_refused(tmp_path, config, live):
    await fill(live, "a")
    await back_up(config, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(BackupTooNew):
        await restore(config, tmp_path / "copy")
    assert ids(live) == {"a"}


# Damage


def damage(path: Path, at: float, size: int = 8192) -> None:
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * at))
        file.write(b"\xa5" * size)


@pytest.mark.parametrize("how", ["head", "middle", "cut", "empty", "first page", "words"])
async def test_a_damaged_store_is_told_with_its_newest_copy_and_put_back(config, live, how):
    await fill(live, "a")
    folder = config.data_dir / "backups"
    await keep_copy(folder, live, partial(copy, live), 0.0)
    if how in ("head", "middle"):
        damage(live, 0.0 if how == "head" else 0.5)
    elif how == "cut":
        os.truncate(live, live.stat().st_size // 2)
    elif how == "words":
        live.write_text("Not a database. " * 1000)
    else:
        os.truncate(live, 0 if how == "empty" else 4096)

    with pytest.raises(StoreBroken) as told, naming_the_newest(folder, live):
        async with opened(live) as store:
            await store.check()
    assert told.value.copy == "1970-01-01"
    damaged = live.read_bytes()
    name, kept = await restore(config)
    assert name == "tubethread-1970-01-01.db"
    assert ids(live) == {"a"}
    assert len((live.parent / kept).read_bytes()) >= len(damaged)


async def test_a_store_that_does_not_open_is_not_replaced_under_another_process(config, live):
    await fill(live, "a")
    await keep_copy(config.data_dir / "backups", live, partial(copy, live), 0.0)
    with start(HOLDER, live) as holder:
        next(holder.stdout)
        damage(live, 0.0)
        with pytest.raises(StoreInUse):
            await restore(config)
        holder.kill()
    await restore(config)
    assert ids(live) == {"a"}


async def test_of_the_copies_kept_the_newest_whole_one_is_put_back(config, live):
    await fill(live, "a")
    folder = config.data_dir / "backups"
    for day in range(2):
        await keep_copy(folder, live, partial(copy, live), day * DAY_S)
    damage(copies(folder)[0], 0.5)
    assert (await restore(config))[0] == "tubethread-1970-01-01.db"
    for kept in copies(folder):
        kept.unlink()
    with pytest.raises(NoBackup):
        await restore(config)


@pytest.mark.parametrize("verb", ["back_up", "restore"])
@pytest.mark.parametrize("milliseconds", [0, 100, 200, 300, 400])
async def test_killed_at_any_moment_there_is_the_old_store_or_the_new(
    tmp_path, config, live, verb, milliseconds
):
    await fill(live, "a", "b")
    await back_up(config, tmp_path / "copy")
    await fill(live, "c")
    with start(COPYING, verb, config.data_dir, tmp_path / "copy") as process:
        next(process.stdout)
        with suppress(subprocess.TimeoutExpired):
            process.wait(milliseconds / 1000)
        process.kill()
    assert ids(tmp_path / "copy") in ({"a", "b"}, {"a", "b", "c"})
    assert ids(live) in ({"a", "b"}, {"a", "b", "c"})
    await restore(config, tmp_path / "copy")
    assert ids(live) == ids(tmp_path / "copy")


# The daily copy


@asynccontextmanager
async def days(live: Path, folder: Path):
    """Run the daily copies on a clock that jumps to the next day at each long wait."""
    now = 0.0
    passed = asyncio.Event()

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += DAY_S if now else seconds
        if now > 6 * DAY_S:
            passed.set()
            await asyncio.Event().wait()

    keeping = asyncio.create_task(
        keep_copies(folder, live, partial(copy, live), now=lambda: now, sleep=sleep)
    )
    yield passed
    keeping.cancel()


async def test_a_copy_a_day_is_made_and_the_newest_are_kept(live, config):
    await fill(live, "a")
    folder = config.data_dir / "backups"
    async with days(live, folder) as passed:
        await passed.wait()
    assert [path.name for path in copies(folder)] == [
        f"tubethread-1970-01-0{day}.db" for day in (6, 5, 4)
    ]
    assert len(copies(folder)) == KEPT
    await check(copies(folder)[0])


async def test_a_damaged_store_pushes_no_good_copy_out(live, config):
    await fill(live, "a")
    folder = config.data_dir / "backups"
    await keep_copy(folder, live, partial(copy, live), 0.0)
    damage(live, 0.5)
    async with days(live, folder) as passed:
        await passed.wait()
    assert [path.name for path in copies(folder)] == ["tubethread-1970-01-01.db"]


async def test_todays_copy_is_made_once_and_what_a_kill_left_goes(live, config):
    await fill(live, "a")
    folder = config.data_dir / "backups"
    folder.mkdir()
    (folder / "tubethread-1969-12-31.db.17.part").touch()
    for _ in range(2):
        await keep_copy(folder, live, partial(copy, live), 0.0)
        await fill(live, "b")
    assert [path.name for path in folder.iterdir()] == ["tubethread-1970-01-01.db"]
    assert ids(copies(folder)[0]) == {"a"}


async def test_where_the_disk_is_short_no_copy_is_made(live, config, tmp_path):
    """A sparse file makes the store's size larger than any disk here."""
    live.parent.mkdir()
    live.touch()
    os.truncate(live, 2**43)
    await keep_copy(tmp_path / "backups", live, partial(copy, live), 0.0)
    assert not (tmp_path / "backups").exists()


async def test_daily_copies_go_on_after_an_error_of_the_system(tmp_path, config, live):
    await fill(live, "v")
    folder = tmp_path / "backups"
    folder.write_bytes(b"in the way of the folder")
    pauses = 0

    async def sleep(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 3:
            folder.unlink()
        if pauses == 5:
            raise asyncio.CancelledError

    with suppress(asyncio.CancelledError):
        await keep_copies(folder, live, partial(copy, live), sleep=sleep)
    assert pauses == 5
    assert len(copies(folder)) == 1


# What was forgotten


@asynccontextmanager
async def outdated(live: Path):
    """The copies of a store, two daily ones, what a restore kept and a part that a kill left, after
    a video in all of them was forgotten."""
    folder = live.parent / "backups"
    await fill(live, "a", "b")
    for day in range(2):
        await keep_copy(folder, live, partial(copy, live), day * DAY_S)
    for name in ("backups/tubethread-1970-01-03.db.17.part", "tubethread-before-1970-01-02.db"):
        shutil.copy(live, live.parent / name)
    async with opened(live) as store:
        await store.library.add("hive", "a")
        await store.library.forget("hive", "a")
        yield (
            StoreCopies(
                folder, live, partial(copy, live), store.outdated_copies, lambda: 2 * DAY_S
            ),
            store,
        )


def files(live: Path) -> list[str]:
    sides = {f"{live.name}{side}" for side in ("", "-wal", "-shm")}
    return sorted(p.name for p in live.parent.rglob("*") if p.is_file() and p.name not in sides)


async def test_copies_that_hold_what_was_forgotten_are_replaced_by_a_new_one(live):
    async with outdated(live) as (kept, _):
        assert kept.count() == 4
        assert await kept.replace_outdated()
        assert files(live) == ["tubethread-1970-01-03.db"]
        assert ids(live.parent / "backups" / "tubethread-1970-01-03.db") == {"b"}
        assert not await kept.replace_outdated(), "it is done"


async def test_what_is_forgotten_while_copies_are_replaced_has_them_replaced_again(live):
    async with outdated(live) as (kept, store):

        async def slow_copy(target: Path) -> None:
            await copy(live, target)
            await store.library.add("hive", "b")
            await store.library.forget("hive", "b")

        slow = StoreCopies(live.parent / "backups", live, slow_copy, store.outdated_copies)
        assert await slow.replace_outdated()
        assert ids(copies(live.parent / "backups")[0]) == {"b"}
        assert await kept.replace_outdated()
        assert ids(copies(live.parent / "backups")[0]) == set()


async def test_a_damaged_store_keeps_its_copies_though_they_hold_what_was_forgotten(live):
    async with outdated(live) as (kept, store):
        before = files(live)
        damage(live, 0.9)  # where "b" is
        with pytest.raises(StoreBroken):
            await kept.replace_outdated()
        os.truncate(live, 2**43)  # and no space for another copy
        with pytest.raises(StoreBroken):
            await kept.replace_outdated()
        assert files(live) == before
        assert await store.outdated_copies.deletion(), "it is tried again"


async def test_without_space_for_another_copy_the_old_ones_go_all_the_same(live):
    async with outdated(live) as (kept, _):
        os.truncate(live, 2**43)
        assert await kept.replace_outdated()
        assert files(live) == []


async def test_a_channel_that_is_deleted_without_a_word_in_it_outdates_nothing(live):
    async with opened(live) as store:
        await store.library.forget("unknown")
        await store.threads.forget("fake", "nobody")
        assert not await store.outdated_copies.deletion()


async def test_what_a_restore_keeps_stays_until_something_is_forgotten(config, live):
    async with outdated(live) as (kept, _):
        pass
    await back_up(config, live.parent / "copy")
    _, name = await restore(config, live.parent / "copy")
    async with opened(live) as store:
        kept = StoreCopies(live.parent, live, partial(copy, live), store.outdated_copies)
        assert not await kept.replace_outdated()
        assert (live.parent / name).exists()


async def test_a_program_that_runs_looks_every_minute_for_what_was_forgotten(live, config):
    await fill(live, "a")
    waited, asked = [], []

    async def replace_outdated() -> bool:
        asked.append(len(waited))
        if len(asked) == 2:
            raise StoreBroken("SQLITE_BUSY")
        return len(asked) == 1

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 4:
            raise asyncio.CancelledError

    with suppress(asyncio.CancelledError):
        folder = config.data_dir / "backups"
        await keep_copies(folder, live, partial(copy, live), replace_outdated, sleep=sleep)
    assert waited == [60, 600, 3600, 60], "after a copy and after a failure it waits longer"
    assert sum(waited[:2]) < 3600
