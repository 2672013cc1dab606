"""Ranking within one video, fusion of rankings, joining of adjacent hits."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.search.ranking
from core.backends.bm25 import Bm25
from core.model import Chunk, Hit
from core.search.ranking import RRF_K, VideoScope, fuse, join
from tests.fakes.indexes import FakeEmbedder

TEXTS = [
    "the bees of the hive dance",
    "stock markets fell on Monday",
    "a dance of eight turns shows the way",
    "honey is sold in jars",
]


def _chunk(number, text="", video="v", span=1):
    first = number * span
    return Chunk(video, number, float(number), number + 1.0, first, first + span - 1, "", text)


CHUNKS = [_chunk(number, text) for number, text in enumerate(TEXTS)]


async def _vectors(*texts):
    return await FakeEmbedder().embed(texts, "passage")


def _keys(hits):
    return [hit.chunk.key for hit in hits]


def _rank(question, vector, chunks, vectors, limit):
    return VideoScope.of(chunks, vectors, Bm25()).rank(question, vector, limit)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(core.search.ranking).failed == 0


# One video


async def test_words_and_vectors_together_find_the_best_chunk_first():
    (question,) = await _vectors("which dance do bees dance?")
    hits = _rank("which dance do bees dance?", question, CHUNKS, await _vectors(*TEXTS), limit=3)

    assert _keys(hits)[:2] == ["v:0", "v:2"]
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_without_vectors_only_what_shares_a_word_is_found():
    assert _keys(_rank("dancing bees", None, CHUNKS, None, limit=10)) == ["v:0", "v:2"]
    assert _rank("zebra", None, CHUNKS, None, limit=10) == []


async def test_vectors_on_one_side_only_are_ignored():
    (question,) = await _vectors("honey")

    assert _keys(_rank("honey", question, CHUNKS, None, limit=10)) == ["v:3"]
    vectors = await _vectors(*TEXTS)
    assert _keys(_rank("honey", None, CHUNKS, vectors, limit=10)) == ["v:3"]


async def test_a_question_that_shares_no_word_is_found_by_meaning():
    vectors = await _vectors(*TEXTS)

    assert _keys(_rank("zebra", vectors[1], CHUNKS, vectors, limit=1)) == ["v:1"]


def test_the_heading_is_searched_too():
    chunk = Chunk("v", 0, 0.0, 1.0, 0, 0, "Apiary tour", "we walk on")

    assert _keys(_rank("apiary", None, [chunk], None, limit=5)) == ["v:0"]


async def test_a_video_without_chunks_has_no_hits():
    (question,) = await _vectors("bees")

    assert VideoScope.of([], None, Bm25()).rank("bees", question, 5) == []
    assert VideoScope.of([], np.zeros((0, 64), np.float32), Bm25()).rank("", question, 5) == []


async def test_one_scope_answers_many_questions():
    scope = VideoScope.of(CHUNKS, await _vectors(*TEXTS), Bm25())
    for question, best in (("bees", "v:0"), ("markets", "v:1"), ("honey", "v:3"), ("bees", "v:0")):
        (vector,) = await _vectors(question)
        assert _keys(scope.rank(question, vector, 2))[0] == best


# Fusion


def test_a_key_in_both_rankings_beats_the_first_of_either():
    assert [key for key, _ in fuse([["a", "b"], ["c", "b"]], [1, 1], 3)] == ["b", "a", "c"]


def test_the_score_is_the_sum_of_reciprocal_ranks():
    (best,) = fuse([["a"], ["x", "a"]], [1.0, 0.5], 1)

    assert best == ("a", pytest.approx(1 / (RRF_K + 1) + 0.5 / (RRF_K + 2)))


def test_the_heavier_ranking_decides():
    assert fuse([["a"], ["b"]], [1, 2], 2)[0][0] == "b"
    assert fuse([["a"], ["b"]], [2, 1], 2)[0][0] == "a"


def test_nothing_to_fuse_gives_nothing():
    assert fuse([], [], 5) == []
    assert fuse([[], []], [1, 1], 5) == []


def test_a_ranking_without_a_weight_is_an_error():
    with pytest.raises(ValueError):
        fuse([["a"], ["b"]], [1], 5)


# Joining


def test_neighbours_become_one_range_and_the_best_range_comes_first():
    hits = [Hit(_chunk(5, span=4), 0.2), Hit(_chunk(0, span=4), 0.5), Hit(_chunk(6, span=4), 0.9)]

    assert join(hits) == [("v", 20, 27), ("v", 0, 3)]


def test_adjacent_hits_in_two_videos_stay_two_ranges():
    hits = [Hit(_chunk(0, video="a"), 0.1), Hit(_chunk(1, video="b"), 0.2)]

    assert join(hits) == [("b", 1, 1), ("a", 0, 0)]


def test_the_same_hit_twice_counts_once():
    assert join([Hit(_chunk(3), 0.1), Hit(_chunk(3), 0.4)]) == [("v", 3, 3)]


def test_no_hits_join_to_nothing():
    assert join([]) == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=30))
def test_joined_ranges_hold_every_segment_once_and_never_touch(drawn):
    hits = [Hit(_chunk(n, video=video, span=3), 1.0) for video, n in drawn]
    ranges = join(hits)
    found = [(video, i) for video, first, last in ranges for i in range(first, last + 1)]

    wanted = {(h.chunk.video_id, i) for h in hits for i in range(h.chunk.first, h.chunk.last + 1)}
    assert sorted(found) == sorted(wanted)
    assert not {(video, last + 1) for video, _, last in ranges} & {r[:2] for r in ranges}
