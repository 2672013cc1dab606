"""Citations are of real segments, whatever numbers a model writes."""

import pytest

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
    assert [citations.cite(place) for place in (3, 6, 3, 7)] == ["[1]", "[2]", "[1]", "[3]"]
    assert [(c.n, c.video_id, c.start_s) for c in citations.found] == [
        (1, BEES.id, 30.0),
        (2, TEA.id, 100.0),
        (3, TEA.id, 104.0),
    ]


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
