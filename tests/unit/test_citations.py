"""Citations are of real segments, whatever numbers a model writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.citations import Citations, cite, supporting_segment
from core.model import Passage, Segment, Video

BEES, TEA = Video("beesbeesbee", "Bees"), Video("teateateate", "Tea")
SAID = (
    "Bees dance in the hive.",
    "The dance points to flowers.",
    "A short dance means near food.",
    "Karl von Frisch read it in 1944.",
    "He won a prize for that.",
    "Wasps build paper nests.",
)
SEGMENTS = tuple(Segment(10.0 * i, 10.0 * i + 9, text) for i, text in enumerate(SAID))
POURED = (Segment(100.0, 104.0, "Tea is poured at four."), Segment(104.0, 108.0, "Milk follows."))
PASSAGES = (Passage(BEES, SEGMENTS), Passage(TEA, POURED))


@pytest.fixture
def citations():
    return Citations(PASSAGES)


def test_a_citation_has_the_segments_times_words_and_link():
    citation = cite(3, BEES, SEGMENTS[1:3])
    assert (citation.n, citation.start_s, citation.end_s) == (3, 10.0, 29.0)
    assert citation.quote == "The dance points to flowers. A short dance means near food."
    assert citation.url == "https://youtu.be/beesbeesbee?t=10"


def test_a_long_quote_is_shortened():
    quote = cite(1, BEES, [Segment(0, 1, "bee " * 200)]).quote
    assert len(quote) <= 300
    assert quote.endswith("bee…")


def test_markers_are_numbered_in_order_of_appearance(citations):
    assert citations.mark("4", "Frisch read it") == "[1]"
    assert citations.mark("7", "Tea is poured") == "[2]"
    assert citations.mark("4", "Frisch") == "[1]"
    assert [(c.video_id, c.start_s) for c in citations.found] == [(BEES.id, 30.0), (TEA.id, 100.0)]


@pytest.mark.parametrize("numbers", ["1, 2", "1;2", "1 and 2", " 1,2 ", "1、2"])
def test_one_bracket_may_hold_several(citations, numbers):
    assert citations.mark(numbers, "Bees dance to flowers") == "[1][2]"


@pytest.mark.parametrize("numbers", ["1-3", "1–3", "3 - 1", "1~3"])
def test_a_range_is_one_citation_of_neighbours(citations, numbers):
    assert citations.mark(numbers, "Bees dance") == "[1]"
    assert (citations.found[0].start_s, citations.found[0].end_s) == (0.0, 29.0)


def test_a_range_ends_after_four_segments_and_with_its_passage(citations):
    citations.mark("1-6", "Bees dance")
    citations.mark("6-8", "Wasps")
    assert [(c.start_s, c.end_s) for c in citations.found] == [(0.0, 39.0), (50.0, 59.0)]


@pytest.mark.parametrize("numbers", ["0", "9", "99999999999999999999", "9-12", ""])
def test_an_unknown_number_is_no_marker(citations, numbers):
    assert citations.mark(numbers, "Bees dance") == ""
    assert citations.found == ()


def test_a_number_that_is_off_by_two_finds_the_segment_with_the_words():
    assert supporting_segment("Frisch understood it in 1944.", SEGMENTS, 5) == 3


def test_a_number_stays_if_its_segment_or_no_neighbour_has_the_words():
    assert supporting_segment("The dance is about flowers.", SEGMENTS, 0) == 0
    assert supporting_segment("Insects speak.", SEGMENTS, 2) == 2
    assert supporting_segment("Karl von Frisch.", SEGMENTS, 0) == 0  # three away


def test_between_languages_a_number_stays():
    assert supporting_segment("프리슈는 1944년에 춤을 읽었다.", SEGMENTS, 5) == 5


def test_spoken_numbers_match_digits():
    said = (Segment(0, 1, "It was late."), Segment(1, 2, "In nineteen forty four."))
    assert supporting_segment("That was 1944.", said, 0) == 1


def test_a_sentence_is_not_marked_twice_with_the_same(citations):
    assert citations.mark("1", "Bees dance") == "[1]"
    assert citations.mark("1, 2", "Bees dance") == "[2]"
    assert citations.mark("1", "They dance at home") == "[1]"


def test_only_the_first_number_of_a_sentence_is_checked(citations):
    assert citations.mark("5", "He won a prize") == "[1]"
    assert citations.mark("4", "He won a prize") == "[2]"
    assert citations.found[1].start_s == 30.0


@given(st.text("0123456789,;-–— and", max_size=30), st.text(max_size=60))
def test_every_citation_is_of_real_neighbouring_segments(numbers, sentence):
    citations = Citations(PASSAGES)
    citations.mark(numbers, sentence)
    for n, citation in enumerate(citations.found, 1):
        segments = {BEES.id: SEGMENTS, TEA.id: POURED}[citation.video_id]
        first = [s.start_s for s in segments].index(citation.start_s)
        last = [s.end_s for s in segments].index(citation.end_s)
        assert citation.n == n
        assert 0 <= last - first < 4
