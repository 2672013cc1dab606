"""A search asks the store and the indexes a fixed number of times, whatever the channel holds: each
question costs two changes of threads, or of processes, and a search has ten milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, Engine, event

from core.backends.storage.store import open_store, sqlite_url
from core.model import Segment, Transcript, Video
from tests.fakes.indexes import FakeKeywordIndex, FakeVectorIndex
from tests.harness.fake_core import FakeCore, silent

BEES = ("Welcome back.", "A bee of Arden dances in the hive.", "The others follow her dancing.")
BIRDS = ("Birds sing at dawn.", "In the north they begin to sing in May.")


class CountedKeywords(FakeKeywordIndex):
    asked = 0

    async def matching(self, *args):
        self.asked += 1
        return await super().matching(*args)


class CountedVectors(FakeVectorIndex):
    asked = 0

    async def nearest(self, *args):
        self.asked += 1
        return await super().nearest(*args)


@dataclass
class Transactions:
    count: int = 0

    def began(self, connection: Connection) -> None:
        self.count += 1


@pytest.fixture
def transactions() -> Iterator[Transactions]:
    counter = Transactions()
    event.listen(Engine, "begin", counter.began)
    yield counter
    event.remove(Engine, "begin", counter.began)


async def add(core: FakeCore, number: int, sentences: tuple[str, ...]) -> None:
    video = Video(f"{number:011}", f"Talk {number}", duration_s=100.0)
    segments = tuple(Segment(10.0 * n, 10.0 * n + 9, text) for n, text in enumerate(sentences))
    transcript = Transcript(video.id, "en", "captions", segments)
    await core.store.videos.save(video)
    await core.store.videos.save_transcript(transcript)
    indexer = core.ingest().indexer
    await indexer.index(video, transcript, (), silent)
    await indexer.add("hive", video.id)


@pytest.mark.parametrize("talks", [2, 30])
@pytest.mark.parametrize(
    ("query", "reads"), [("dancing bees", 3), ("dancing kumquat", 3), ("kumquat", 2)]
)
async def test_a_search_reads_the_store_thrice(query, reads, talks, tmp_path, transactions):
    keywords, vectors = CountedKeywords(), CountedVectors()
    async with open_store(sqlite_url(tmp_path / "store.db")) as store:
        core = FakeCore(tmp_path, store=store, keywords=keywords, vectors=vectors)
        for number in range(talks):
            await add(core, number, BEES if number % 15 == 0 else BIRDS)
        pipeline = core.pipeline()
        await pipeline.search(query, "hive", 5)  # compares the caches with the store
        keywords.asked = vectors.asked = transactions.count = 0

        found = await pipeline.search(query, "hive", 5)

    assert bool(found.said) == (query != "kumquat")
    assert (transactions.count, keywords.asked, vectors.asked) == (reads, 1, 1)


async def test_a_word_that_may_be_said_further_down_is_looked_up_once_more(tmp_path, transactions):
    """All candidates have one of the words; whether the other is said, they can't tell."""
    keywords = CountedKeywords()
    async with open_store(sqlite_url(tmp_path / "store.db")) as store:
        core = FakeCore(tmp_path, store=store, keywords=keywords)
        for number in range(30):
            await add(core, number, BEES)
        await core.pipeline().search("bees", "hive", 5)
        keywords.asked = transactions.count = 0

        found = await core.pipeline().search("bees kumquat", "hive", 5)

    assert found.unsaid == ("kumquat",)
    assert keywords.asked == 2
