"""Measure search in channels of 1,000, 10,000 and 100,000 chunks, through the real store, the real
caches and their child process; and what a video adds to a channel of 2,000.

The embedder answers at once with ready vectors, because its time is the model's. Sentences are made
of words as frequent as in a language; vectors lie in groups, as those of texts do.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from sqlalchemy import Table, insert

from bot.config import read_config
from core.backends.chroma.vector_index import Chroma
from core.backends.fts5 import Fts5
from core.backends.storage import tables as t
from core.backends.storage.database import Database, open_database
from core.backends.storage.store import open_store, sqlite_url
from core.model import Chunk, Segment, Video
from core.pipeline.front import Pipeline
from core.ports import Kind, Vectors
from core.search.caches import CacheStatus
from core.workers.child_settings import make_supervisor
from core.workers.limits import INDEX
from core.workers.remote_backends import RemoteKeywordIndex, RemoteVectorIndex
from tests.bench import fresh
from tests.bench.figures import Row, percentile
from tests.harness.fake_core import FakeCore

SIZES_MS = {1_000: 10.0, 10_000: 25.0, 100_000: 100.0}
"""Chunks of a channel, and its goal for 95 of 100 searches."""
CHUNKS, SENTENCES, WORDS, DIMENSIONS = 50, 4, 30, 384
"""Chunks of a video, sentences of a chunk, words of a sentence, numbers of a vector."""
SEARCHES, VECTORS, NEAREST, ADDED = 100, 100, 10, 5
RECALL, GROWTH = 0.97, 1.5
_GROUPS, _DEPTH, _WORDS = 200, 48, 20_000
_LETTERS = np.array(list("bcdfghklmnprstvz"))
_VOWELS = np.array(list("aeiou"))


class Dice:
    """Random videos, the same in every run."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        syllables = [consonant + vowel for consonant in _LETTERS for vowel in _VOWELS]
        self._words = np.array(["".join(self._random.choice(syllables, 4)) for _ in range(_WORDS)])
        self._odds = 1 / np.arange(3, _WORDS + 3)
        self._odds /= self._odds.sum()
        self._centres = self._random.normal(size=(_GROUPS, _DEPTH))
        self._basis = self._random.normal(size=(_DEPTH, DIMENSIONS))

    def sentences(self, count: int) -> list[str]:
        found = self._random.choice(self._words, (count, WORDS), p=self._odds)
        return [" ".join(row) for row in found]

    def vectors(self, count: int) -> Vectors:
        """Points around centres in fewer dimensions than they have numbers."""
        near = self._centres[self._random.integers(_GROUPS, size=count)]
        rows = (near + self._random.normal(size=near.shape)) @ self._basis
        rows += 0.3 * self._random.normal(size=rows.shape)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class ReadyEmbedder:
    """Gives each question the next of some vectors."""

    dice: Dice
    name: str = "ready"

    async def load(self) -> None: ...

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        return self.dice.vectors(len(texts))


@dataclass
class Channel:
    """What a channel holds."""

    name: str
    videos: int
    vectors: list[Vectors] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Some of its sentences."""


def measure(folder: Path) -> list[Row]:
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> list[Row]:
    dice = Dice()
    channels = [Channel(f"of {size}", size // CHUNKS) for size in SIZES_MS]
    url = sqlite_url(folder / "store.db")
    async with open_store(url):
        pass  # makes the tables
    async with open_database(url) as database:
        keywords = Fts5(folder / "cache" / "keywords.sqlite")
        vectors = Chroma(folder / "cache" / "chroma")
        for channel in channels:
            for number in range(channel.videos):
                await _add(database, channel, number, dice, keywords, vectors)
        keywords.close()
        vectors.close()
    async with AsyncExitStack() as stack:
        config = read_config(fresh.CONFIG, {"TUBETHREAD_DATA": str(folder)}).model_copy(
            update={"data_dir": folder}
        )
        child = await stack.enter_async_context(make_supervisor(INDEX, config))
        core = FakeCore(
            folder,
            store=await stack.enter_async_context(open_store(url)),  # type: ignore[arg-type]
            embedder=ReadyEmbedder(dice),  # type: ignore[arg-type]
            keywords=RemoteKeywordIndex(child),  # type: ignore[arg-type]
            vectors=RemoteVectorIndex(child),  # type: ignore[arg-type]
        )
        pipeline = core.pipeline()
        rows = []
        for channel in channels:
            status = await pipeline._indexer.caches.sync(channel.name)
            assert status == CacheStatus(keywords=True, vectors=True)
            rows += [await _searches(pipeline, channel), await _recall(core, channel, dice)]
        return [*rows, await _growth(core, url, channels[-1], dice)]


async def _add(
    database: Database,
    channel: Channel,
    number: int,
    dice: Dice,
    keywords: Fts5 | None = None,
    vectors: Chroma | None = None,
) -> str:
    """Put one video into the store and, where given, into the caches. Return its id."""
    video = Video(f"{channel.name}-{number:05}", f"Talk {number}", duration_s=60.0 * CHUNKS)
    recipe = "r ready"
    rows, chunks = _rows(video, dice, channel)
    found = dice.vectors(CHUNKS)
    of_sentences = dice.vectors(CHUNKS * SENTENCES).astype("<f2")
    rows[t.chunkings] = [
        {
            "video_id": video.id,
            "recipe": recipe,
            "vectors": found.tobytes(),
            "sentence_vectors": of_sentences.tobytes(),
        }
    ]
    async with database.write() as connection:
        for table in (t.videos, t.transcripts, t.segments, t.chunkings, t.chunks, t.library):
            if table in rows:
                await connection.execute(insert(table), rows[table])
    if keywords and vectors:
        keywords.put(channel.name, video.id, recipe, chunks)
        vectors.put(channel.name, video.id, recipe, chunks, found)
    channel.vectors.append(found)
    channel.keys += [chunk.key for chunk in chunks]
    return video.id


def _rows(
    video: Video, dice: Dice, channel: Channel
) -> tuple[dict[Table, list[dict[str, Any]]], list[Chunk]]:
    rows: dict[Table, list[dict[str, Any]]] = defaultdict(list)
    of = {"video_id": video.id}
    said = dice.sentences(CHUNKS * SENTENCES)
    channel.said.append(said[len(channel.said) % len(said)])
    rows[t.videos].append({"id": video.id, "video": video})
    rows[t.transcripts].append(of | {"language": "en", "source": "whisper", "recipe": "r"})
    rows[t.library].append(of | {"channel": channel.name, "search_title": video.title.casefold()})
    for n, text in enumerate(said):
        rows[t.segments].append(of | {"number": n} | asdict(Segment(15.0 * n, 15.0 * n + 14, text)))
    chunks = list(_chunks(video, said))
    rows[t.chunks] = [asdict(chunk) for chunk in chunks]
    return rows, chunks


def _chunks(video: Video, said: Sequence[str]) -> Iterator[Chunk]:
    for n in range(CHUNKS):
        first, last = n * SENTENCES, n * SENTENCES + SENTENCES - 1
        text = " ".join(said[first : last + 1])
        yield Chunk(video.id, n, 60.0 * n, 60.0 * n + 59, first, last, video.title, text)


async def _searches(pipeline: Pipeline, channel: Channel) -> Row:
    """Search for two words that are said together; one search in five for words said nowhere."""
    random = np.random.default_rng(11)
    took: list[float] = []
    began_cpu_s = 0.0
    for number in range(SEARCHES + 5):
        said = channel.said[int(random.integers(len(channel.said)))].split()
        words = " ".join(random.choice(said, 2, replace=False)) if number % 5 else "kumquat"
        began_cpu_s = began_cpu_s if number > 5 else _cpu_s()
        began = time.perf_counter()
        result = await pipeline.search(words, channel.name, 5)
        took.append(1000 * (time.perf_counter() - began))
        assert bool(result.said) == (words != "kumquat")
    size = channel.videos * CHUNKS
    cpu_ms = 1000 * (_cpu_s() - began_cpu_s) / SEARCHES
    about = f"median {median(took[5:]):.1f} ms, {cpu_ms:.1f} ms of CPU, {SEARCHES} searches"
    what = f"search in {size:,} chunks, without embedding: p95"
    return Row(what, percentile(took[5:], 0.95), "ms", SIZES_MS[size], about)


def _cpu_s() -> float:
    """CPU seconds of this process and its children, which other work hardly changes."""
    used = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(times.user + times.system for times in used)


async def _recall(core: FakeCore, channel: Channel, dice: Dice) -> Row:
    """Compare the nearest chunks by Chroma with those by all vectors."""
    rows, found = np.concatenate(channel.vectors), []
    for vector in dice.vectors(VECTORS):
        exact = {channel.keys[i] for i in np.argsort(-(rows @ vector))[:NEAREST]}
        nearest = await core.vectors.nearest(channel.name, vector, NEAREST)
        found.append(len(exact & set(nearest)) / NEAREST)
    lost = 100 * (1 - float(np.mean(found)))
    what = f"Chroma misses of the {NEAREST} nearest in {len(channel.keys):,} chunks"
    return Row(what, lost, "%", 100 * (1 - RECALL), f"{VECTORS} vectors")


async def _growth(core: FakeCore, url: str, large: Channel, dice: Dice) -> Row:
    """Compare adding a video to a large channel and to a new one: store, both caches."""
    took: dict[str, list[float]] = {}
    indexer = core.ingest().indexer
    small = Channel("new", 0)
    async with open_database(url) as database:
        for channel in (small, large):
            await indexer.caches.sync(channel.name)
            took[channel.name] = []
        for _ in range(ADDED):
            for channel in (small, large):
                video_id = await _add(database, channel, 90_000 + len(channel.keys), dice)
                began = time.perf_counter()
                await indexer.add(channel.name, video_id)
                took[channel.name].append(1000 * (time.perf_counter() - began))
    first, last = (median(took[channel.name]) for channel in (small, large))
    about = (
        f"{last:.0f} ms into a channel of {large.videos:,} videos, {first:.0f} ms into a new one"
    )
    return Row("indexing the 2,000th video to the first", last / first, "×", GROWTH, about)
