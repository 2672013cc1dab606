"""There are always three suggested questions that were not asked yet."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.suggested_questions import follow_up, suggest
from core.model import Passage, Segment, Video
from core.text.key_phrases import key_phrases
from core.text.keywords import count_words
from tests.eval.datasets import short_talks
from tests.harness.lectures import read_lecture

TALK = (
    "Welcome to the talk about bees.",
    "So the waggle dance is a way of the bees to tell where flowers are.",
    "Today we see how to read the waggle dance of the bees, step by step.",
    "The difference between bees and wasps is their food.",
    "Honey is useful, because bees eat honey in winter.",
    "The keeper keeps the honey in jars.",
    "The problem with smoke is that it calms them for minutes only.",
    "We take advantage of the frames.",
    "There are three types of hives in the world.",
    "A queen cage lets you bring a new queen.",
)
KOREAN = (
    "오늘은 꿀벌의 춤을 이야기합니다.",
    "여왕벌이란 알을 낳는 꿀벌을 말합니다.",
    "꿀벌을 기르는 방법을 소개합니다.",
    "여왕벌이 매우 중요합니다.",
    "꿀벌이 꽃을 찾고, 여왕벌은 벌통을 지킵니다.",
)


def test_ready_questions_come_before_those_about_phrases():
    assert suggest(["honey"], TALK, "en", ready=["Why?", "Who?"])[:2] == ("Why?", "Who?")
    assert "honey" in suggest(["honey"], TALK, "en", ready=["Why?", "Who?"])[2].lower()


@pytest.mark.parametrize(
    ("phrase", "question"),
    [
        ("waggle dance", "What is the waggle dance?"),
        ("honey", "Why is honey useful?"),
        ("wasps", "What is the difference between bees and wasps?"),
        ("jars", "What is said about jars?"),
        ("smoke", "What is the problem with smoke?"),
        ("frames", "What is said about the frames?"),
        ("hives", "What types of hives are there?"),
        ("queen cage", "What does a queen cage let you do?"),
    ],
)
def test_a_phrase_is_asked_about_by_what_a_sentence_does_with_it(phrase, question):
    assert suggest([phrase], TALK, "en")[0] == question


def test_a_real_talk_is_asked_about_what_it_explains():
    """Before, all three asked "What is said about …?", one of them about "the fine-tuned"."""
    talks = {talk.video.title: talk for talk in short_talks()}
    said = [sentence.text for sentence in talks["What is the BLEU metric?"].sentences]
    phrases = key_phrases(said, count_words(said), 12)
    assert "What is the problem with BLEU?" in suggest(phrases, said, "en")
    said = [sentence.text for sentence in talks["What is domain adaptation?"].sentences]
    found = key_phrases(said, count_words(said), 12)
    assert not {"fine-tuned", "pre"} & set(found)


@pytest.mark.parametrize(
    ("phrase", "question"),
    [
        ("꿀벌", "꿀벌을 기르는 방법은 무엇인가요?"),
        ("여왕벌", "여왕벌이란 무엇인가요?"),
        ("벌통", "벌통에 대해 뭐라고 하나요?"),
    ],
)
def test_korean_phrases_are_asked_about_in_korean(phrase, question):
    assert suggest([phrase], KOREAN, "ko")[0] == question


def test_names_and_phrases_of_several_words_are_asked_about_before_common_words():
    texts = ("The learning rate falls.", "A model learns.", "Keras sets the learning rate.") * 2
    found = suggest(["model", "Keras", "learning rate"], texts, "en")
    assert ["Keras" in found[0], "learning rate" in found[1], "model" in found[2]] == [True] * 3


def test_nothing_is_asked_that_the_video_does_not_answer():
    assert suggest(["volcanoes", "jars"], TALK, "en")[:2] == (
        "What does the video say about jars?",
        "What is this about?",
    )


def test_what_points_elsewhere_is_not_asked():
    """ "How to do it" says nothing without the sentence before."""
    talk = ("Now we see how to use it with bees.", "Bees know how to read these dances of bees.")
    assert suggest(["bees"], talk, "en")[0] == "What is said about bees?"


@pytest.mark.parametrize(
    "asked", ["Why do bees dance?", "why do  bees dance", "WHY DO BEES DANCE?!"]
)
def test_what_was_asked_is_not_offered_again(asked):
    assert "Why do bees dance?" not in suggest([], (), "en", [asked], ["Why do bees dance?"])


def test_an_english_talk_is_asked_about_in_the_readers_language():
    assert suggest(["jars"], TALK, "ko")[0] == "jars에 대해 뭐라고 하나요?"
    assert suggest(["Bienen"], ["Bienen tanzen."], "de")[0] == "What is said about Bienen?"


def test_a_conversation_never_shows_the_same_question_twice():
    """Also not those shown below the summary, while there are others."""
    passages = _passages(*TALK)
    shown = list(follow_up("", passages, (), (), (), "en"))
    summary = ("What else do bees do?",)
    then = follow_up("Who?", passages, shown, (), summary, "en")
    assert not set(then) & {*shown, *summary}


@given(
    st.lists(st.text(max_size=5), max_size=5),
    st.sampled_from(["en", "ko", ""]),
    st.lists(st.text(max_size=5), max_size=5),
    st.lists(st.text(max_size=5), max_size=5),
)
def test_there_are_always_three_different_questions(phrases, language, asked, ready):
    found = suggest(phrases, phrases, language, asked, ready)
    assert len(found) == len(set(found)) == 3
    assert all(question.strip() for question in found)


def _passages(*texts):
    return [Passage(Video("abcdefghijk", "Talk"), tuple(Segment(0.0, 1.0, text) for text in texts))]


def test_a_corrected_transcript_brings_other_subjects():
    """What was found in the text of before is not kept for the text of now."""
    before = follow_up(
        "", _passages("The bees have honey.", "Honey of the bees."), (), (), (), "en"
    )
    after = follow_up(
        "", _passages("The ships have sails.", "Sails of the ships."), (), (), (), "en"
    )

    assert any("honey" in question.lower() for question in before)
    assert any("sails" in question.lower() for question in after)
    assert not any("honey" in question.lower() for question in after)


def test_the_subjects_of_a_video_are_not_looked_for_again_at_each_question(assets):
    said = [
        segment.text for segment in read_lecture(assets / "lecture-10min-us.json").passage.segments
    ]

    def seconds(*texts):
        begun = time.thread_time()
        follow_up("Who?", _passages(*texts), (), (), (), "en")
        return time.thread_time() - begun

    seconds(*said, "A first question loads the stemmer and reads the words.")
    first = seconds(*said)
    assert min(seconds(*said) for _ in range(3)) < first / 3


def test_a_common_word_that_is_said_seldom_is_not_asked_about():
    said = ("The country was told.", "A country is large.", "Columbia was lost.", "Columbia fell.")
    texts = (*said, *(f"Sentence number {n} is about something else." for n in range(26)))
    assert suggest(["country", "Columbia"], texts, "en")[:2] == (
        "What does the video say about Columbia?",
        "What is this about?",
    )
