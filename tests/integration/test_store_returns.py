"""Whatever is stored comes back equal, tested with values that nobody thinks of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.backends.storage.store import Store, open_store, sqlite_url
from core.model import (
    Answer,
    CaptionTrack,
    Chapter,
    ChapterMark,
    Chunk,
    Citation,
    Point,
    Segment,
    Summary,
    Timings,
    Transcript,
    Turn,
    Video,
)

ID = "bees0000000"
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
seconds = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(0, 2**31 - 1)


def some(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(values, max_size=3).map(tuple)


points = some(st.builds(Point, words, seconds))
videos = st.builds(
    Video,
    st.just(ID),
    words,
    words,
    seconds,
    words,
    some(words),
    some(st.builds(ChapterMark, words, seconds)),
    words,
    some(st.builds(CaptionTrack, words, words, st.booleans())),
    words,
    words,
)
transcripts = st.builds(
    Transcript,
    st.just(ID),
    words,
    st.sampled_from(["whisper", "captions", "file"]),
    some(st.builds(Segment, seconds, seconds, words)),
    words,
)
summaries = st.builds(
    Summary,
    words,
    points,
    some(st.builds(Chapter, words, seconds, seconds, points)),
    some(words),
    some(words),
    words,
    seconds,
    words,
)
citations = st.builds(Citation, whole, words, seconds, seconds, words, words)
timings = st.builds(Timings, whole, whole, whole, whole)
answers = st.builds(
    Answer,
    words,
    words,
    some(citations),
    some(words),
    st.booleans(),
    words,
    timings,
    some(words),
)
turns = st.builds(Turn, words, answers)
chunks = st.lists(
    st.builds(Chunk, st.just(ID), whole, seconds, seconds, whole, whole, words, words),
    max_size=3,
    unique_by=lambda chunk: chunk.number,
).map(lambda found: sorted(found, key=lambda chunk: chunk.number))


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as one_loop:
        yield one_loop


@pytest.fixture
def store(runner: asyncio.Runner, tmp_path: Path) -> Iterator[Store]:
    opening = open_store(sqlite_url(tmp_path / "store.db"))
    yield runner.run(opening.__aenter__())
    runner.run(opening.__aexit__(None, None, None))


async def there_and_back(
    store: Store,
    video: Video,
    transcript: Transcript,
    summary: Summary,
    turn: Turn,
    of: list[Chunk],
) -> None:
    vectors = np.random.default_rng(len(of)).random((len(of), 5), np.float32) if of else None
    await store.library.forget("c")
    await store.videos.save(video)
    await store.videos.save_transcript(transcript)
    await store.videos.save_summary(ID, "r", summary)
    await store.chunks.save(ID, "r", of, vectors)
    await store.library.add("c", ID)
    await store.threads.add("c", "t", turn, [ID])
    assert await store.library.videos("c") == [video]
    assert await store.videos.transcript(ID) == transcript
    assert await store.videos.summary(ID, "r") == summary
    assert await store.threads.turns("c", "t", 9) == [turn]
    found, matrix = await store.chunks.load([ID])
    assert found == of
    assert np.array_equal(matrix, vectors) if of else matrix is None


# One store serves all examples; each first deletes what the previous one left.
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(videos, transcripts, summaries, turns, chunks)
def test_whatever_is_stored_comes_back_equal(runner, store, video, transcript, summary, turn, of):
    runner.run(there_and_back(store, video, transcript, summary, turn, of))
