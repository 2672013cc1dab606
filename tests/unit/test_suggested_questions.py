"""There are always three suggested questions that were not asked yet."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.suggested_questions import follow_up, suggest
from core.model import Passage, Segment, Video
from tests.harness.lectures import read_lecture


def test_ready_questions_come_before_those_about_subjects():
    assert suggest(["bees"], "en", ready=["Why?", "Who?"])[:2] == ("Why?", "Who?")
    assert "bees" in suggest(["bees"], "en", ready=["Why?", "Who?"])[2]


def test_three_subjects_are_asked_about_in_three_ways():
    assert suggest(["bees", "tea", "ships"], "en") == (
        "What is said about bees?",
        "What do we learn about tea?",
        "What does the speaker tell us about ships?",
    )


@pytest.mark.parametrize(
    "asked", ["Why do bees dance?", "why do  bees dance", "WHY DO BEES DANCE?!"]
)
def test_what_was_asked_is_not_offered_again(asked):
    assert "Why do bees dance?" not in suggest([], "en", [asked], ["Why do bees dance?"])


def test_korean_gets_korean_questions_and_any_other_language_english():
    assert suggest(["꿀벌"], "ko")[0] == "꿀벌에 대해 뭐라고 하나요?"
    assert suggest(["Bienen"], "de")[0] == "What is said about Bienen?"


@given(
    st.lists(st.text(max_size=5), max_size=5),
    st.sampled_from(["en", "ko", ""]),
    st.lists(st.text(max_size=5), max_size=5),
    st.lists(st.text(max_size=5), max_size=5),
)
def test_there_are_always_three_different_questions(subjects, language, asked, ready):
    found = suggest(subjects, language, asked, ready)
    assert len(found) == len(set(found)) == 3
    assert all(question.strip() for question in found)


def _passages(*texts):
    return [Passage(Video("abcdefghijk", "Talk"), tuple(Segment(0.0, 1.0, text) for text in texts))]


def test_a_corrected_transcript_brings_other_subjects():
    """What was found in the text of before is not kept for the text of now."""
    before = follow_up("", _passages("The bees have honey.", "Honey of the bees."), (), (), "en")
    after = follow_up("", _passages("The ships have sails.", "Sails of the ships."), (), (), "en")

    assert any("honey" in question.lower() for question in before)
    assert any("sails" in question.lower() for question in after)
    assert not any("honey" in question.lower() for question in after)


def test_the_subjects_of_a_video_are_not_looked_for_again_at_each_question(assets):
    said = [
        segment.text for segment in read_lecture(assets / "lecture-10min-us.json").passage.segments
    ]

    def seconds(*texts):
        begun = time.thread_time()
        follow_up("Who?", _passages(*texts), (), (), "en")
        return time.thread_time() - begun

    seconds(*said, "A first question loads the stemmer and reads the words.")
    first = seconds(*said)
    assert min(seconds(*said) for _ in range(3)) < first / 3
