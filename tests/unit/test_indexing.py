"""A channel's caches follow the store, whatever happened to them."""

import pytest

from core.errors import IndexBroken
from core.search.nearness import UNRELATED
from core.sources import Link
from tests.fakes.indexes import FakeKeywordIndex
from tests.harness.eventually import eventually
from tests.harness.fake_core import VIDEOS, FakeCore, finish

LINK, OTHER, THIRD = (Link(video.id) for video in VIDEOS)
BOTH = {LINK.video_id, OTHER.video_id}


class BrokenUntilDropped(FakeKeywordIndex):
    """A damaged file: nothing can be read before it is removed."""

    def __init__(self):
        super().__init__()
        self.failure = IndexBroken("damaged")

    async def drop(self, channel, video_id=None):
        if video_id is None:
            self.failure = None
        await super().drop(channel, video_id)


@pytest.fixture
async def world(tmp_path):
    """Two videos in the channel; a single one would be searched in the store itself."""
    world = FakeCore(tmp_path)
    for link in (LINK, OTHER):
        await finish(world.pipeline().ingest(link, "hive"))
    return world


async def held(world, channel="hive"):
    words, vectors = await world.keywords.holdings(channel), await world.vectors.holdings(channel)
    assert words == vectors
    return set(words)


async def test_both_caches_hold_what_was_ingested(world):
    assert await held(world) == BOTH


async def test_a_cache_that_was_deleted_is_filled_without_embedding_again(world):
    await world.vectors.drop("hive")
    await world.keywords.drop("hive")
    before = world.embedder.embedded
    assert (await world.pipeline().search("queen", "hive", 5)).said
    assert await held(world) == BOTH
    assert world.embedder.embedded == before + 1 + len(UNRELATED), "one question"


async def test_a_forgotten_video_is_dropped_from_the_caches(world):
    await finish(world.pipeline().ingest(THIRD, "hive"))
    await world.store.library.forget("hive", THIRD.video_id)  # by another process
    await world.pipeline().search("queen", "hive", 5)
    for cache in (world.vectors, world.keywords):
        assert THIRD.video_id not in await cache.holdings("hive")

    async def is_filled() -> bool:  # the vectors of the others are added in the background
        return set(await world.vectors.holdings("hive")) == BOTH

    await eventually(is_filled)
    assert await held(world) == BOTH


async def test_entries_of_an_older_recipe_are_replaced(world):
    chunks, vectors = await world.store.chunks.load([LINK.video_id])
    await world.keywords.put("hive", LINK.video_id, "older", chunks)
    await world.vectors.put("hive", LINK.video_id, "older", chunks, vectors)
    await world.pipeline().search("queen", "hive", 5)
    assert (await world.keywords.holdings("hive"))[LINK.video_id] != "older"
    assert await held(world) == BOTH


async def test_a_damaged_cache_is_rebuilt(world):
    world.keywords = BrokenUntilDropped()
    assert (await world.pipeline().search("queen", "hive", 5)).said
    assert await held(world) == BOTH


async def test_another_embedder_computes_new_vectors(world):
    world.embedder.name = "another"
    await finish(world.pipeline().ingest(LINK, "hive"))
    recipe = await world.store.chunks.recipe(LINK.video_id)
    assert recipe.endswith(" another")


async def test_vectors_of_another_embedder_are_not_used(world):
    world.embedder.name = "another"
    before = world.embedder.embedded
    assert (await world.pipeline().search("queen", "hive", 5)).said
    assert world.embedder.embedded == before, "words alone"


async def test_what_another_process_forgot_leaves_the_caches_without_a_search(world):
    await finish(world.pipeline().ingest(THIRD, "sea"))
    pipeline = world.pipeline()
    await pipeline.check_caches()
    assert await held(world, "sea") == {THIRD.video_id}
    await world.store.library.forget("sea")  # by another process
    await world.store.library.forget("hive", OTHER.video_id)
    await pipeline.check_caches()
    assert await held(world, "sea") == set()
    assert OTHER.video_id not in await world.vectors.holdings("hive")
    assert OTHER.video_id not in await world.keywords.holdings("hive")


async def test_caches_of_another_process_are_checked_once_they_are_ours(world):
    pipeline = world.pipeline()
    await world.store.library.forget("hive")
    world.keywords.failure = IndexBroken("another process is using it")
    await pipeline.check_caches()
    assert await world.vectors.holdings("hive")
    world.keywords.failure = None
    await pipeline.check_caches()
    assert await held(world) == set()
