"""Caches are filled in the background, and no search misses anything meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pytest

from core.backends.bm25 import Bm25
from core.errors import CoreError, DiskFull, IndexBroken, StoreBroken, WorkerFailed
from core.model import Chunk, Video
from core.search import exact_search
from core.search.caches import SEARCH_CUT, Caches, CacheStatus
from core.search.nearness import Background
from core.search.places import PlaceFinder
from core.search.retriever import Retriever
from core.search.sentence_search import SentenceSearch
from tests.fakes.indexes import FakeEmbedder, FakeKeywordIndex, FakeVectorIndex
from tests.fakes.store import MemoryStore

VIDEOS = [Video(f"video{n:06}", f"Day {n}") for n in range(40)]
UP_TO_DATE = CacheStatus(keywords=True, vectors=True)


class Breakable:
    """A cache that raises scripted errors, one per call, and can be blocked."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[CoreError] = []
        self.may_put = asyncio.Event()
        self.may_put.set()
        self.puts = 0

    async def holdings(self, channel):
        self._fail()
        return await super().holdings(channel)

    async def put(self, *args):
        await self.may_put.wait()
        self._fail()
        self.puts += 1
        await super().put(*args)

    def _fail(self):
        if self.failures:
            raise self.failures.pop(0)


class Vectors(Breakable, FakeVectorIndex):
    stuck: frozenset[str] | set[str] = frozenset()
    """A cache that never holds some videos until the whole channel is dropped."""

    async def holdings(self, channel):
        held = await super().holdings(channel)
        return {video_id: recipe for video_id, recipe in held.items() if video_id not in self.stuck}

    async def drop(self, channel, video_id=None):
        if video_id is None:
            self.stuck = frozenset()
        await super().drop(channel, video_id)

    async def nearest(self, *args):
        self._fail()
        return await super().nearest(*args)


class Keywords(Breakable, FakeKeywordIndex):
    async def matching(self, *args):
        self._fail()
        return await super().matching(*args)


@dataclass
class Channel:
    """A channel of forty videos with three chunks each and empty caches."""

    store: MemoryStore = field(default_factory=MemoryStore)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    vectors: Vectors = field(default_factory=Vectors)
    keywords: Keywords = field(default_factory=Keywords)

    def __post_init__(self):
        self.caches = Caches(
            self.store.library, self.store.chunks, self.embedder, self.vectors, self.keywords
        )
        self.retriever = Retriever(
            self.store.library, self.store.chunks, self.caches, self.embedder, Bm25()
        )

    async def add(self, video: Video, recipe: str = "r1", word: str = "bees") -> None:
        chunks = [
            Chunk(video.id, n, n, n + 1, n, n, video.title, f"{word} {video.id} part {n}")
            for n in range(3)
        ]
        vectors = await self.embedder.embed([chunk.indexed for chunk in chunks], "passage")
        await self.store.videos.save(video)
        await self.store.chunks.save(video.id, f"{recipe} {self.embedder.name}", chunks, vectors)
        await self.store.library.add("hive", video.id)

    async def found(self, question: str) -> tuple[list[str], tuple[str, ...]]:
        vector = await self.retriever.embed_question(question)
        hits, notes = await self.retriever.hits(question, vector, "hive", None, 5)
        return [hit.chunk.key for hit in hits], notes

    async def settle(self) -> CacheStatus:
        """Wait until no background task is left."""
        for _ in range(1000):
            await asyncio.sleep(0)
        return await self.caches.sync("hive")


@pytest.fixture
async def channel():
    channel = Channel()
    for video in VIDEOS:
        await channel.add(video)
    return channel


async def test_a_search_does_not_wait_for_the_caches_and_misses_nothing(channel):
    channel.vectors.may_put.clear()
    channel.keywords.may_put.clear()
    meanwhile = await channel.found("bees video000007 part 2")
    assert meanwhile[1] == ("cache_rebuilding",)
    channel.vectors.may_put.set()
    channel.keywords.may_put.set()
    assert await channel.settle() == UP_TO_DATE
    afterwards = await channel.found("bees video000007 part 2")
    assert afterwards == (meanwhile[0], ())
    assert afterwards[0][0] == "video000007:2"
    assert channel.vectors.puts == channel.keywords.puts == len(VIDEOS)


async def test_a_filled_cache_is_used_while_the_other_is_filled(channel):
    await channel.caches.sync("hive")
    await channel.settle()
    await channel.vectors.drop("hive")
    channel.caches.mark_unverified("hive")
    channel.vectors.may_put.clear()
    assert await channel.caches.sync("hive") == CacheStatus(keywords=True, vectors=False)
    channel.vectors.may_put.set()
    assert await channel.settle() == UP_TO_DATE


async def test_one_more_video_is_added_at_once():
    channel = Channel()
    for video in VIDEOS[:-1]:
        await channel.add(video)
    await channel.caches.sync("hive")
    assert await channel.settle() == UP_TO_DATE
    await channel.add(VIDEOS[-1])
    assert await channel.caches.sync("hive") == UP_TO_DATE
    assert VIDEOS[-1].id in await channel.vectors.holdings("hive")


async def test_a_store_that_was_replaced_is_noticed(channel):
    """As when a backup of the store is restored while the program runs."""
    await channel.caches.sync("hive")
    assert await channel.settle() == UP_TO_DATE
    for video in VIDEOS[:10]:
        await channel.add(video, "r2", "wasps")
    keys, notes = await channel.found("wasps video000003 part 1")
    assert (keys[0], notes) == ("video000003:1", ("cache_rebuilding",))
    assert await channel.settle() == UP_TO_DATE
    keys, notes = await channel.found("wasps video000003 part 1")
    assert (keys[0], notes) == ("video000003:1", ())


@pytest.mark.parametrize("leg", ["vectors", "keywords"])
@pytest.mark.parametrize("failure", [IndexBroken("damaged"), WorkerFailed("index"), DiskFull()])
async def test_a_cache_that_breaks_later_is_bypassed_and_repaired(channel, leg, failure):
    await channel.caches.sync("hive")
    assert await channel.settle() == UP_TO_DATE
    cache = getattr(channel, leg)
    cache.failures = [failure, failure]  # the search, and looking at it again
    keys, notes = await channel.found("bees video000007 part 2")
    assert (keys[0], notes) == ("video000007:2", ("cache_rebuilding",))
    await channel.found("bees")
    assert await channel.settle() == UP_TO_DATE
    assert (await channel.found("bees video000007 part 2"))[1] == ()


async def test_vectors_that_do_not_find_themselves_are_replaced(channel):
    """Two videos' vectors were swapped: everything is readable and nothing is missing."""
    first, last = VIDEOS[0].id, VIDEOS[-1].id
    recipes = await channel.store.library.recipes("hive")
    for video in VIDEOS:
        other = {first: last, last: first}.get(video.id, video.id)
        chunks, _ = await channel.store.chunks.load([video.id])
        _, vectors = await channel.store.chunks.load([other])
        await channel.vectors.put("hive", video.id, recipes[video.id], chunks, vectors)
    assert not (await channel.caches.sync("hive")).vectors
    assert await channel.settle() == UP_TO_DATE
    assert channel.vectors.puts == 2 * len(VIDEOS)


async def test_rows_that_shadow_new_ones_are_removed(channel):
    """Chroma keeps an old row when a new one of the same id is added."""
    await channel.caches.sync("hive")
    assert await channel.settle() == UP_TO_DATE
    channel.vectors.stuck = {VIDEOS[3].id, VIDEOS[5].id}
    channel.caches.mark_unverified("hive")
    assert not (await channel.caches.sync("hive")).vectors
    assert await channel.settle() == UP_TO_DATE
    assert not channel.vectors.stuck


async def test_filling_continues_after_the_child_died(channel):
    channel.vectors.failures = [WorkerFailed("index"), IndexBroken("left behind")]
    await channel.caches.sync("hive")
    assert await channel.settle() == UP_TO_DATE


async def test_a_cache_that_cannot_be_filled_is_retried_at_the_next_search_only(channel):
    channel.vectors.failures = [DiskFull()] * 8
    assert not (await channel.caches.sync("hive")).vectors
    for _ in range(1000):
        await asyncio.sleep(0)
    assert channel.vectors.failures, "it gave up for now"
    for _ in range(3):
        level = await channel.settle()
    assert level == UP_TO_DATE


async def test_a_store_error_while_a_cache_is_filled_is_harmless(channel):
    channel.keywords.failures = [WorkerFailed("index")] + [StoreBroken()] * 3
    assert not (await channel.caches.sync("hive")).keywords
    assert await channel.settle() is not None
    assert await channel.settle() == UP_TO_DATE


async def test_a_video_forgotten_while_a_cache_is_filled_stays_forgotten(channel):
    channel.vectors.may_put.clear()
    await channel.caches.sync("hive")
    await asyncio.sleep(0)
    await channel.caches.drop("hive")
    channel.vectors.may_put.set()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert await channel.vectors.holdings("hive") == {}
    assert await channel.keywords.holdings("hive") == {}


async def test_a_normal_exit_waits_for_a_nearly_filled_cache(channel):
    async with channel.caches:
        await channel.caches.sync("hive")
    assert len(await channel.vectors.holdings("hive")) == len(VIDEOS)


async def test_an_interrupt_does_not_wait_for_a_cache(channel):
    channel.vectors.may_put.clear()
    with suppress(asyncio.CancelledError):
        async with channel.caches:
            await channel.caches.sync("hive")
            raise asyncio.CancelledError
    channel.vectors.may_put.set()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert channel.vectors.puts == 0


async def test_a_question_without_a_vector_is_searched_by_its_words(channel):
    await channel.caches.sync("hive")
    await channel.settle()
    channel.embedder.failure = WorkerFailed("index")
    keys, notes = await channel.found("video000007")
    assert {key.partition(":")[0] for key in keys[:3]} == {"video000007"}
    assert notes == ("keyword_only",)


# The way without caches


class Counting:
    """A store's chunks that record how many videos were read at a time."""

    def __init__(self, chunks):
        self._chunks = chunks
        self.sizes = []

    async def load(self, video_ids):
        self.sizes.append(len(video_ids))
        return await self._chunks.load(video_ids)


async def test_the_exact_search_in_batches_finds_the_same_as_all_at_once(channel):
    ids = [video.id for video in VIDEOS]
    chunks, vectors = await channel.store.chunks.load(ids)
    [question] = await channel.embedder.embed(["bees part 2 day 31"], "question")
    counting = Counting(channel.store.chunks)
    best = [chunks[i].key for i in np.argsort(-(vectors @ question), kind="stable")]
    assert await exact_search.nearest(counting, ids, question, 50) == best[:50]
    assert counting.sizes == [16, 16, 8]


async def test_the_exact_search_by_words_reads_a_limited_number_of_chunks():
    many = Channel()
    for n in range(20):
        chunks = [Chunk(f"v{n:02}", i, 0, 1, i, i, "", f"bees number {n}") for i in range(400)]
        await many.store.videos.save(Video(f"v{n:02}", ""))
        await many.store.chunks.save(f"v{n:02}", "r", chunks, None)
    counting = Counting(many.store.chunks)
    ids = [f"v{n:02}" for n in range(20)]
    found, is_whole = await exact_search.matching(counting, ids, Bm25(), ["number", "3"], 5)
    assert {key.partition(":")[0] for key in found} == {"v03"}
    assert (counting.sizes, is_whole) == ([16], False)
    assert await exact_search.matching(counting, ids, Bm25(), ["19"], 5) == ([], False)
    _, is_whole = await exact_search.matching(counting, ids[:10], Bm25(), ["19"], 5)
    assert is_whole, "exactly as many as are read"


async def test_a_search_of_a_part_by_words_says_so_and_takes_no_word_for_unsaid():
    many = Channel()
    for n in range(11):
        texts = [f"bees number {n}" if n else "wasps"] * 400
        chunks = [Chunk(f"v{n:02}", i, 0, 1, i, i, "", text) for i, text in enumerate(texts)]
        await many.store.videos.save(Video(f"v{n:02}", ""))
        await many.store.chunks.save(f"v{n:02}", "r ", chunks, None)
        await many.store.library.add("hive", f"v{n:02}")
    many.keywords.failure = IndexBroken("test")
    places = PlaceFinder(many.store.chunks, Background(many.embedder))
    search = SentenceSearch(many.retriever, places)
    found = await search.find("wasps", await many.retriever.scope("hive", None), 5)
    assert (found.said, found.unsaid) == ((), ())
    assert SEARCH_CUT in found.notes
    await many.store.library.forget("hive", "v05")
    found = await search.find("hornets", await many.retriever.scope("hive", None), 5)
    assert found.unsaid == ("hornets",)
    assert SEARCH_CUT not in found.notes


async def test_a_question_does_not_wait_for_another_channels_update(channel):
    await channel.settle()
    assert await channel.settle() == UP_TO_DATE
    channel.vectors.may_put.clear()
    await channel.store.library.add("other", VIDEOS[0].id)
    putting = asyncio.create_task(channel.caches.sync("other"))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        assert (await channel.found("bees video000007 part 2"))[1] == ()
    assert not putting.done()
    channel.vectors.may_put.set()
    assert await putting == UP_TO_DATE


async def test_a_question_is_embedded_as_what_it_is_about():
    channel = Channel()
    found = await channel.retriever.embed_question("What did the team say about the two bridges?")
    subject = await channel.embedder.embed(["the two bridges"], "question")
    assert np.array_equal(found, subject[0])
