"""Damage every file of ours and of Chroma's in every way, and check that all of it recovers.

The store and both caches are real, and so is the index child, which damaged files may crash. An
intact channel is copied under other channels' names, one copy for each kind of damage.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.backends.bm25 import Bm25
from core.backends.storage.sqlite_copy import copy
from core.backends.storage.store import Store, open_store, sqlite_url
from core.backup.backup_restore import restore
from core.backup.daily_copies import FOLDER, keep_copy, naming_the_newest
from core.config import Core
from core.errors import CoreError
from core.model import Chunk, Segment, Transcript, Video
from core.search.caches import Caches, CacheStatus
from core.search.retriever import Retriever
from core.workers.child_settings import make_supervisor
from core.workers.limits import INDEX
from core.workers.remote_backends import RemoteKeywordIndex, RemoteVectorIndex
from tests.fakes.indexes import FakeEmbedder

WHOLE = "whole"
VIDEOS = [Video(f"video{n:06}", f"Day {n}") for n in range(4)]
CHUNKS = 260
"""Chunks per video. Chroma writes its files out every thousand rows."""
UP_TO_DATE = CacheStatus(keywords=True, vectors=True)
CHROMA = (
    "chroma.sqlite3",
    "*/header.bin",
    "*/data_level0.bin",
    "*/length.bin",
    "*/link_lists.bin",
    "*/index_metadata.pickle",
)
ASKED = [(VIDEOS[n % 4].id, n * 17 % CHUNKS) for n in range(8)]

Damage = Callable[[Path, random.Random], None]


def cut(path: Path, dice: random.Random) -> None:
    os.truncate(path, dice.randrange(max(path.stat().st_size, 1)))


def empty(path: Path, dice: random.Random) -> None:
    os.truncate(path, 0)


def zero(path: Path, dice: random.Random) -> None:
    """Zero a stretch, as on a disk that lost a block."""
    _overwrite(path, dice, bytes(4096))


def scribble(path: Path, dice: random.Random) -> None:
    _overwrite(path, dice, dice.randbytes(4096))


def flip(path: Path, dice: random.Random) -> None:
    """Flip eight bits anywhere."""
    content = bytearray(path.read_bytes())
    for _ in range(8 if content else 0):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def remove(path: Path, dice: random.Random) -> None:
    path.unlink()


def _overwrite(path: Path, dice: random.Random, new: bytes) -> None:
    content = bytearray(path.read_bytes())
    start = dice.randrange(max(len(content) - len(new), 0) + 1)
    end = min(start + len(new), len(content))
    content[start:end] = new[: end - start]
    path.write_bytes(content)


DAMAGES: tuple[Damage, ...] = (cut, empty, zero, scribble, flip, remove)


@dataclass
class House:
    """An open data folder: the store, the caches in their child, and what searches them."""

    store: Store
    caches: Caches
    retriever: Retriever
    embedder: FakeEmbedder

    async def ask(self, channel: str) -> tuple[list[list[str]], bool]:
        """Return the hits for each question, and whether all of them came from the caches."""
        found, whole = [], True
        for video_id, number in ASKED:
            question = f"number {number} of {video_id}"
            vector = await self.retriever.embed_question(question)
            hits, notes = await self.retriever.hits(question, vector, channel, None, 5)
            found.append([hit.chunk.key for hit in hits])
            whole = whole and not notes
        return found, whole

    async def settle(self, channel: str) -> None:
        """Wait until the caches are up to date; this may take a crash first."""
        async with asyncio.timeout(120):
            while await self.caches.sync(channel) != UP_TO_DATE:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    config, embedder = Core(data_dir=folder), FakeEmbedder()
    (folder / "cache").mkdir(parents=True, exist_ok=True)
    async with (
        open_store(sqlite_url(folder / "tubethread.db")) as store,
        make_supervisor(INDEX, config) as child,
        Caches(
            store.library,
            store.chunks,
            embedder,
            RemoteVectorIndex(child),
            RemoteKeywordIndex(child),
        ) as caches,
    ):
        retriever = Retriever(store.library, store.chunks, caches, embedder, Bm25())
        yield House(store, caches, retriever, embedder)


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`."""
    found = await build(folder / "built")
    chroma = await damage_chroma(folder / "built", folder / "chroma", found, seed)
    words = await damage_words(folder / "built", folder / "words", found, seed)
    store, told = await damage_truth(folder / "built", folder / "store", seed)
    caches = f"{chroma + words} caches came right"
    return f"{caches}; {told} of {store} damaged stores were told, all put back"


async def build(folder: Path) -> list[list[str]]:
    """Build an intact folder and return the hits found in it."""
    async with house(folder) as opened:
        for video in VIDEOS:
            await _add(opened, video)
        await opened.settle(WHOLE)
        found, whole = await opened.ask(WHOLE)
        assert whole
    store = folder / "tubethread.db"
    await keep_copy(folder / FOLDER, store, partial(copy, store), 0.0)
    return found


async def _add(opened: House, video: Video) -> None:
    chunks = [
        Chunk(video.id, n, n, n + 1, n, n, video.title, f"number {n} of {video.id}")
        for n in range(CHUNKS)
    ]
    vectors = await opened.embedder.embed([chunk.indexed for chunk in chunks], "passage")
    said = tuple(Segment(n, n + 1, chunk.text) for n, chunk in enumerate(chunks))
    await opened.store.videos.save(video)
    await opened.store.videos.save_transcript(Transcript(video.id, "en", "whisper", said))
    await opened.store.chunks.save(video.id, f"r {opened.embedder.name}", chunks, vectors)
    await opened.store.library.add(WHOLE, video.id)


async def damage_chroma(
    built: Path, folder: Path, expected: list[list[str]], seed: int, every: int = 1
) -> int:
    """Damage every file of Chroma's in every way, one channel each. Returns their number.

    Meanwhile every question finds the intended hits; afterwards everything is as before. `every`:
    2 for every other way of each file, so that each way still meets half of the files."""
    shutil.copytree(built, folder)
    dice, damaged = random.Random(seed), []
    for row, name in enumerate(CHROMA):
        for column, damage in enumerate(DAMAGES):
            channel = f"{name} {damage.__name__}"
            shutil.copytree(_folder_of(folder, WHOLE), _folder_of(folder, channel))
            for file in _folder_of(folder, channel).glob(name):
                damage(file, dice)
            if (row + column) % every == 0:
                damaged.append(channel)
    async with house(folder) as opened:
        for channel in damaged:
            for video in VIDEOS:
                await opened.store.library.add(channel, video.id)
            await _comes_right(opened, channel, expected)
    return len(damaged)


async def damage_words(built: Path, folder: Path, expected: list[list[str]], seed: int) -> int:
    """Damage the keyword file in every way, and return how often."""
    for number, damage in enumerate(DAMAGES):
        own = folder / damage.__name__
        shutil.copytree(built, own)
        damage(own / "cache" / "keywords.sqlite", random.Random(seed + number))
        async with house(own) as opened:
            await _comes_right(opened, WHOLE, expected)
        shutil.rmtree(own)
    return len(DAMAGES)


async def _comes_right(opened: House, channel: str, expected: list[list[str]]) -> None:
    try:
        meanwhile, _ = await opened.ask(channel)
        for (video_id, number), keys in zip(ASKED, meanwhile, strict=True):
            assert f"{video_id}:{number}" in keys
        await opened.settle(channel)
        afterwards, whole = await opened.ask(channel)
        assert whole
        for (video_id, number), keys, then in zip(ASKED, afterwards, expected, strict=True):
            assert keys[0] == then[0] == f"{video_id}:{number}"
    except (AssertionError, TimeoutError) as error:
        error.add_note(f"in the channel {channel}")
        raise


async def damage_truth(built: Path, folder: Path, seed: int) -> tuple[int, int]:
    """Damage the store in every way. Returns how often, and how many times it was reported.

    Only damage that breaks no structure, such as a bit within a text, goes unreported. Either way,
    the daily copy is restored, and the damaged file is kept beside it.
    """
    told = 0
    config = Core(data_dir=folder)
    live = folder / "tubethread.db"
    for number, damage in enumerate(DAMAGES):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(built, folder)
        damage(live, random.Random(seed + number))
        told += not await _reads_whole(live)
        there = live.exists()
        _, kept = await restore(config)
        assert bool(kept) == there
        assert await _reads_whole(live)
    return len(DAMAGES), told


async def _reads_whole(live: Path) -> bool:
    """Return whether everything can be read. A failure raises our error and no other."""
    try:
        with naming_the_newest(live.parent / FOLDER, live):
            async with open_store(sqlite_url(live)) as store:
                await store.check()
                videos = await store.library.videos(WHOLE)
                chunks, _ = await store.chunks.load([video.id for video in videos])
                for video in videos:
                    await store.videos.transcript(video.id)
                return len(chunks) == CHUNKS * len(VIDEOS)
    except CoreError:
        return False


def _folder_of(folder: Path, channel: str) -> Path:
    """Return the channel's folder, as core/backends/chroma/vector_index.py names it."""
    name = hashlib.sha256(channel.encode()).hexdigest()[:32]
    return folder / "cache" / "chroma" / name
