"""Measure what a channel's size adds: the same lookups in a channel of 20 and of 2,000 videos.

The embedder and the caches answer at once and no model writes, so the figures show the store and
the path to it. The two channels take turns, so that other work slows both alike.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import Table, insert

from bot.chat import Command, Person, Where
from bot.handlers.autocomplete import SUGGESTIONS, autocomplete
from bot.handlers.slash_commands import PAGE
from core.backends.storage import tables as t
from core.backends.storage.database import open_database
from core.backends.storage.store import open_store, sqlite_url
from core.model import Chunk, Segment, Video
from core.pipeline.front import Pipeline
from core.ports import Vectors
from core.search.caches import CacheStatus
from tests.bench.figures import Row
from tests.harness.fake_core import FakeCore, ask

SIZES = {"few": 20, "many": 2000}
ROUNDS = 50
GOAL = 1.5
HELD_GOAL_MS = 10
"""Loading the large channel held the event loop for 65 to 120 ms."""
SIZE = 64
DESCRIPTION = "All about bees, and where to buy their honey.\n" * 110
"""As long as YouTube allows: 5,000 characters."""
QUESTION = "Who found the queen of the hive?"
SAID = ("Today we talk about bees.", "The queen of the hive was found by Nora Lee.", "Thank you.")

Lookup = Callable[[Pipeline, str], Awaitable[object]]


@dataclass(eq=False)
class FixedIndex:
    """Both caches of every channel, level with the store.

    A vector finds its own chunk and, as a question does, the first chunks of the channel's newest
    videos.
    """

    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[bytes, str] = field(default_factory=dict)

    async def holdings(self, channel: str) -> dict[str, str]:
        return self.digests[channel]

    async def put(self, *args: object) -> None:
        raise AssertionError("nothing is lacking")

    async def drop(self, *args: object) -> None:
        raise AssertionError("nothing is too much")

    async def nearest(self, channel: str, vector: Vectors, limit: int) -> list[str]:
        own = [key for key in [self.keys.get(vector.tobytes())] if key]
        return own + await self.matching(channel, (), limit)

    async def matching(self, channel: str, tokens: Sequence[str], limit: int) -> list[str]:
        return [f"{video_id}:1" for video_id in list(self.digests[channel])[-8:]]


def measure(folder: Path) -> list[Row]:
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> list[Row]:
    url = sqlite_url(folder / "library.db")
    async with open_store(url) as store:
        keywords, vectors = FixedIndex(), FixedIndex()
        world = FakeCore(folder, store=store, keywords=keywords, vectors=vectors)  # type: ignore[arg-type]
        for channel in SIZES:
            await _fill(url, channel, vectors, f"r {world.embedder.name}")
        keywords.digests = vectors.digests
        core = world.pipeline()
        for channel in SIZES:
            assert await core._indexer.caches.sync(channel) == CacheStatus(
                keywords=True, vectors=True
            )
        rows = []
        for what, lookup in LOOKUPS.items():
            rows += await _compare(what, lookup, core)
        return rows


async def _fill(url: str, channel: str, index: FixedIndex, recipe: str) -> None:
    """Fill the store in one transaction; through its ports it takes minutes."""
    dice = np.random.default_rng(SIZES[channel])
    rows: dict[Table, list[dict[str, Any]]] = defaultdict(list)
    for number in range(SIZES[channel]):
        video = Video(_video_id(channel, number), f"Day {number}", "Hive", 9.0, DESCRIPTION)
        vectors = dice.normal(size=(len(SAID), SIZE)).astype(np.float32)
        of = {"video_id": video.id}
        rows[t.videos].append({"id": video.id, "video": video})
        rows[t.transcripts].append(of | {"language": "en", "source": "whisper", "recipe": "r"})
        rows[t.chunkings].append(of | {"recipe": recipe, "vectors": vectors.tobytes()})
        rows[t.library].append(of | {"channel": channel, "search_title": video.title.casefold()})
        for n, text in enumerate(SAID):
            chunk = Chunk(video.id, n, n, n + 1, n, n, "", text)
            rows[t.chunks].append(asdict(chunk))
            rows[t.segments].append(of | {"number": n} | asdict(Segment(n, n + 1, text)))
            index.keys[vectors[n].tobytes()] = chunk.key
    index.digests[channel] = {row["id"]: recipe for row in rows[t.videos]}
    async with open_database(url) as database, database.write() as connection:
        for table in (t.videos, t.transcripts, t.segments, t.chunkings, t.chunks, t.library):
            await connection.execute(insert(table), rows[table])


async def _compare(what: str, lookup: Lookup, core: Pipeline) -> list[Row]:
    took: dict[str, list[float]] = {channel: [] for channel in SIZES}
    for channel in SIZES:
        await lookup(core, channel)
    for _ in range(ROUNDS):
        for channel, times in took.items():
            began = time.perf_counter()
            await lookup(core, channel)
            times.append(1000 * (time.perf_counter() - began))
    few, many = (median(times) for times in took.values())
    held = median([await _held_ms(lookup(core, "many")) for _ in range(ROUNDS // 4)])
    about = f"{many:.2f} ms with 2,000 videos, {few:.2f} ms with 20"
    return [
        Row(f"{what}: 2,000 videos to 20", many / few, "×", GOAL, about),
        Row(
            f"{what}: event loop held",
            held,
            "ms",
            HELD_GOAL_MS,
            "CPU, the longest; median of runs",
        ),
    ]


async def _held_ms(lookup: Awaitable[object]) -> float:
    """Return the longest time the lookup blocked the event loop, in CPU time of its thread.

    Waiting for a busy machine does not count.
    """
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    ticking = asyncio.create_task(tick())
    await lookup
    ticking.cancel()
    with suppress(asyncio.CancelledError):
        await ticking
    return 1000 * longest


def _video_id(channel: str, number: int) -> str:
    return f"{channel}-{number:06}"


# What users do


async def _ask_a_video(core: Pipeline, channel: str) -> None:
    answer = await ask(core, QUESTION, channel, _video_id(channel, SIZES[channel] - 3))
    assert answer.citations


async def _ask_the_channel(core: Pipeline, channel: str) -> None:
    answer = await ask(core, QUESTION, channel)
    assert answer.citations


async def _search(core: Pipeline, channel: str) -> None:
    assert len(await core.search("queen", channel, 5)) == 5


async def _complete(core: Pipeline, channel: str, typed: str, found: int) -> None:
    context: Any = SimpleNamespace(core=core)
    command = Command(Where(channel, channel), "1", Person("1", "Ada"), "summary", {})
    assert len(await autocomplete(context, command, "video", typed)) == min(found, SIZES[channel])


async def _list(core: Pipeline, channel: str) -> None:
    assert await core.count_videos(channel) == SIZES[channel]
    assert len(await core.page_of_videos(channel, PAGE, PAGE)) == PAGE


LOOKUPS: dict[str, Lookup] = {
    "ask one video": _ask_a_video,
    "ask a channel": _ask_the_channel,
    "search a channel": _search,
    "autocomplete": lambda core, channel: _complete(core, channel, "DAY", SUGGESTIONS),
    "autocomplete, nothing found": lambda core, channel: _complete(core, channel, "wasp", 0),
    "/videos": _list,
}
