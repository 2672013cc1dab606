"""A search shows the sentences that say its words, and tells apart what is only near in meaning."""

import doctest

import pytest

import core.text.query_words
from core.model import Segment, Transcript, Video
from core.text.query_words import QueryWords
from core.text.tokens import tokenise
from tests.harness.fake_core import FakeCore, silent

BEES = (
    "Welcome back to the garden.",
    "A bee of Arden dances in the hive.",
    "The others follow her dancing.",
    "They fly north, then they dance again.",
)
KOREAN = ("꿀벌은 춤으로 길을 알려요.", "데이터 분석과 이터레이터를 배워요.", "벌이 꽃을 찾아요.")


@pytest.fixture
def world(tmp_path):
    return FakeCore(tmp_path)


async def searched(world, query, *talks, title="A talk", limit=5):
    """Search a channel of talks, ten seconds a sentence."""
    for number, sentences in enumerate(talks):
        video = Video(f"{number:011}", title, duration_s=100.0)
        segments = tuple(Segment(10.0 * n, 10.0 * n + 9, text) for n, text in enumerate(sentences))
        await world.store.videos.save(video)
        transcript = Transcript(video.id, "en", "captions", segments)
        await world.store.videos.save_transcript(transcript)
        indexer = world.ingest().indexer
        await indexer.index(video, transcript, (), silent)
        await indexer.add("hive", video.id)
    return await world.pipeline().search(query, "hive", limit)


def said(result):
    return [(place.segments[0].start_s, place.text, place.nearness) for place in result.said]


async def test_a_hit_is_the_sentence_that_says_the_words_at_its_second(world):
    found = await searched(world, "dancing bees", BEES, ["Nothing is said here."])
    assert said(found) == [(10.0, BEES[1], 1.0)]
    assert found.unsaid == ()


async def test_a_word_in_a_title_alone_is_not_said(world):
    found = await searched(world, "kumquat", BEES, BEES, title="The kumquat")
    assert found.said == ()
    assert found.unsaid == ("kumquat",)


async def test_a_word_that_nobody_says_is_told_beside_sentences_with_the_others(world):
    found = await searched(world, "the Hive of Oslo", BEES, ["Nothing."])
    assert said(found) == [(10.0, BEES[1], 0.5)]
    assert found.unsaid == ("Oslo",)


async def test_a_sentence_with_few_of_the_words_is_no_hit(world):
    found = await searched(world, "bees moon stars sun", BEES, ["Nothing."])
    assert found.said == ()
    assert found.unsaid == ("moon", "stars", "sun")


async def test_what_is_near_in_meaning_is_not_what_was_said(world):
    """The made embedder takes shared words for meaning; the words here share all but the moon."""
    found = await searched(world, "others follow her moon", BEES, ["Stars fall."])
    near = await searched(world, "others stars", BEES, ["Stars fall."])
    assert [place.text for place in found.said] == [BEES[2]]
    assert BEES[2] not in [place.text for place in found.nearest]
    assert all(place.nearness >= 0.3 for place in near.nearest)


async def test_nothing_unrelated_is_called_near(world):
    found = await searched(world, "zebra crossing", BEES, ["Stars fall."])
    assert found.nearest == ()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("꿀벌이", 0), ("춤을", None), ("데이터", 1), ("벌", 0), ("이터", 1), ("나비", None)],
)
async def test_korean_words_are_found_without_their_particles(query, sentence, world):
    found = await searched(world, query, KOREAN, ["아무것도 아니에요."])
    starts = [place.segments[0].start_s for place in found.said]
    assert starts == ([] if sentence is None else [10.0 * sentence])
    assert found.unsaid == ((query,) if sentence is None else ())


async def test_as_many_sentences_come_as_asked_for_the_best_first(world):
    talks = [[f"Bees of hive {n}."] for n in range(9)] + [["Bees dance in the hive."]]
    found = await searched(world, "bees hive dance", *talks, limit=3)
    assert said(found) == [(0.0, "Bees dance in the hive.", 1.0)]
    assert len((await searched(world, "hive", *talks, limit=3)).said) == 3


def test_an_excerpt_holds_the_words_if_they_fit():
    text = "So " * 50 + "the queen left."
    assert QueryWords.of("queen").excerpt(text, 30) == "…So So So So the queen left."
    assert len(QueryWords.of("queen").excerpt(text, 30)) <= 30
    assert QueryWords.of("zebra").excerpt("Short.", 30) == "Short."


def test_words_of_a_text_stand_side_by_side():
    assert not QueryWords.of("데이터").said_in(tokenise("데이 그리고 이터"))


def test_the_examples_hold():
    assert doctest.testmod(core.text.query_words).failed == 0
