"""Which questions lean on the conversation, and what they lean on."""

import pytest

from core.answers.suggested_questions import suggest
from core.text.follow_ups import in_context, leans


@pytest.mark.parametrize(
    "question",
    [
        "And the second one?",
        "What about Kelso?",
        "Why?",
        "How old was he when he died?",
        "두 번째는요?",
        "그럼 겨울에는?",
        "그 사람은 어디서 왔어?",
        "왜요?",
    ],
)
def test_a_question_that_points_back_leans(question):
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who found the queen of the hive in Arden?",
        "What did the committee decide about the price of its new remote control?",
        "Bees?",
        "누가 여왕벌을 찾았나요?",
        *suggest(["bees"], ["The bees dance."], "en"),
        *suggest([], [], "en"),
        *suggest(["꿀벌"], ["꿀벌이 춤을 춰요."], "ko"),
        *suggest([], [], "ko"),
    ],
)
def test_a_question_that_says_what_it_is_about_stands_alone(question):
    assert not leans(question)


def test_a_question_leans_on_the_last_one_that_stands_alone():
    earlier = ["Who found the queen?", "What do bees eat?", "And in winter?"]
    assert in_context("Why?", earlier) == "What do bees eat? Why?"
    assert in_context("Who is Nora Lee?", earlier) == "Who is Nora Lee?"
    assert in_context("Why?", []) == "Why?"
