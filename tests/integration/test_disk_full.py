"""Every kind of write on a full disk: it raises an error, leaves nothing half-written, and works
again once there is space.
"""

from __future__ import annotations

import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from core.backends.chroma.vector_index import Chroma
from core.backends.fts5 import Fts5
from core.backends.storage.sqlite_copy import copy
from core.backends.storage.store import Store, open_store, sqlite_url
from core.backup.backup_restore import back_up, restore
from core.backup.daily_copies import keep_copy
from core.config import Core
from core.errors import CoreError, DiskFull, IndexBroken, StoreBroken
from core.model import Answer, Chunk, Segment, Summary, Transcript, Turn, Video
from tests.harness.index_process import CHANNEL, find, put
from tests.harness.small_disk import NoDisk, SmallDisk, small_disk

LEFT = (0, 4096, 20_000, 60_000, 150_000)
"""Free bytes on the disk: a write is cut short early, in the middle or near its end."""
BEES = Video("a", "Bees")
LONG = "Said. " * 100
SEGMENTS = tuple(Segment(n, n + 1, LONG) for n in range(500))
CHUNKS = [Chunk("a", n, n, n + 1, n, n, "Bees", LONG) for n in range(300)]
VECTORS = np.eye(300, 384, dtype=np.float32)

Write = Callable[[Store], Awaitable[object]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        with small_disk(tmp_path, 6) as mounted:
            yield mounted
    except NoDisk:
        pytest.skip("only root may mount a disk")


@pytest.fixture
def config(disk: SmallDisk) -> Core:
    return Core(data_dir=disk.folder / "data")


@pytest.fixture
def live(config: Core) -> Path:
    return config.data_dir / "tubethread.db"


async def save_video(store: Store) -> None:
    await store.videos.save(Video("b", LONG * 500))


async def save_transcript(store: Store) -> None:
    await store.videos.save_transcript(Transcript("a", "en", "whisper", SEGMENTS))


async def save_summary(store: Store) -> None:
    summary = Summary(LONG * 500, (), (), (), (), "en", 1.0, "extractive")
    await store.videos.save_summary("a", "r", summary)


async def save_chunks(store: Store) -> None:
    await store.chunks.save("a", "r", CHUNKS, VECTORS)


async def add_to_library(store: Store) -> None:
    for n in range(100):
        await store.library.add(f"{n} {LONG * 5}", "a")


async def add_turn(store: Store) -> None:
    answer = Answer("Why?", LONG * 500, (), (), True, "extractive")
    await store.threads.add("c", "t", Turn("Why?", answer), ["a"])


WRITES = (save_video, save_transcript, save_summary, save_chunks, add_to_library, add_turn)


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_to_the_store(disk, live, write):
    refused = 0
    async with open_store(sqlite_url(live)) as store:
        await store.videos.save(BEES)
        for left in LEFT:
            disk.fill(left)
            try:
                await write(store)
            except DiskFull:
                refused += 1
            assert await store.videos.get("a") == BEES
            disk.free()
            await store.check()
        await write(store)
    assert refused


@pytest.fixture
def forbid_growth() -> Iterator[Callable[[int], None]]:
    """Limit the size of files: the system refuses growth beyond it in the middle of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_that_the_system_breaks_off(tmp_path, forbid_growth, write):
    """The system reports an I/O error, whether or not the user is root."""
    live = tmp_path / "tubethread.db"
    async with open_store(sqlite_url(live)) as store:
        await store.videos.save(BEES)
        for more in (0, 5_000, 30_000):
            forbid_growth(Path(f"{live}-wal").stat().st_size + more)
            with pytest.raises(StoreBroken) as refused:
                await write(store)
            assert refused.value.detail.startswith("SQLITE_IOERR")
            forbid_growth(-1)
            assert await store.videos.get("a") == BEES
            await store.check()
        await write(store)


async def test_making_a_new_store(disk, live):
    refused = 0
    for left in LEFT:
        disk.fill(left)
        try:
            async with open_store(sqlite_url(live)):
                pass
        except DiskFull:
            refused += 1
        disk.free()
    assert refused
    async with open_store(sqlite_url(live)) as store:
        await store.videos.save(BEES)
        await store.check()


async def filled(live: Path) -> None:
    async with open_store(sqlite_url(live)) as store:
        await store.videos.save(BEES)
        await save_transcript(store)


async def test_a_copy_of_the_store(disk, config, live):
    await filled(live)
    for left in LEFT:
        disk.fill(left)
        with pytest.raises(DiskFull):
            await back_up(config, disk.folder / "copy")
        assert not list(disk.folder.rglob("*.part"))
        assert not (disk.folder / "copy").exists()
        disk.free()
    await back_up(config, disk.folder / "copy")


async def test_the_daily_copy_leaves_what_little_there_is_to_others(disk, config, live):
    await filled(live)
    await keep_copy(config.data_dir / "backups", live, partial(copy, live), 0.0)
    assert not (config.data_dir / "backups").exists()


async def test_putting_a_copy_back(disk, config, live):
    await filled(live)
    await back_up(config, disk.folder / "copy")
    async with open_store(sqlite_url(live)) as store:
        await store.videos.save(Video("b", "B"))
        for left in (*LEFT, 500_000, 1_000_000):
            disk.fill(left)
            with pytest.raises(CoreError) as refused:
                await restore(config, disk.folder / "copy")
            assert type(refused.value) is DiskFull
            disk.free()
            assert await store.videos.get("b") == Video("b", "B")
            await store.check()
        await restore(config, disk.folder / "copy")
        assert await store.videos.get("b") is None


@pytest.mark.parametrize("kind", [Chroma, Fts5])
def test_a_put_into_a_cache(disk, kind):
    refused = 0
    with closing(kind(disk.folder / "index")) as index:
        put(index, "v0")
        for left in LEFT:
            disk.fill(left)
            try:
                for number in range(1, 5):
                    put(index, f"v{number}")
            except (DiskFull, IndexBroken):
                refused += 1
            disk.free()
            try:
                held = index.holdings(CHANNEL)
            except IndexBroken:
                index.drop(CHANNEL)
                held = index.holdings(CHANNEL)
            for video in held:
                assert find(index, video)[0] == f"{video}:7"
            put(index, "v0")
            assert find(index, "v0")[0] == "v0:7"
    assert refused
