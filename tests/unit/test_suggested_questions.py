"""There are always three suggested questions that were not asked yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.suggested_questions import suggest


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
