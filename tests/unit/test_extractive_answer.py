"""Answers without a language model, from lectures whose facts are known: found or refused."""

import pytest

from core.answers.asked import Asked
from core.answers.evidence import find_evidence
from core.answers.extractive import extract_answer
from core.model import Passage, Place, Segment
from tests.harness.fake_core import BEES
from tests.harness.lectures import KOREAN_PASSAGE, KOREAN_VIDEO, LECTURES, read_lectures


@pytest.fixture(scope="module")
def lectures(examples, assets):
    return read_lectures(examples, assets)


def ask(question, *passages, language="en"):
    return extract_answer(Asked(question, passages, language), [])


@pytest.mark.parametrize("name", LECTURES)
def test_nineteen_of_twenty_facts_are_found_in_the_very_sentence(lectures, name):
    lecture = lectures[name]
    found = [
        fact.is_hit_by(ask(fact.question, lecture.passage).citations) for fact in lecture.facts
    ]
    assert sum(found) >= 0.95 * len(found)


@pytest.mark.parametrize("name", LECTURES)
def test_nine_of_ten_questions_of_other_lectures_are_refused(lectures, name):
    lecture = lectures[name]
    own = {fact.question for fact in lecture.facts}
    for other in lectures.values():
        foreign = [fact.question for fact in other.facts if fact.question not in own]
        refused = [not ask(question, lecture.passage).grounded for question in foreign]
        assert sum(refused) >= 0.9 * len(refused)


def test_an_answer_is_sentences_of_the_video_each_with_its_marker(lectures):
    lecture = lectures[LECTURES[0]]
    found = ask("When was the secret of the brown glass of Fenwick sold?", lecture.passage)
    said = {segment.start_s: segment.text for segment in lecture.transcript.segments}
    assert found.text == " ".join(f"{said[c.start_s]} [{c.n}]" for c in found.citations)
    assert (found.grounded, found.engine) == (True, "extractive")
    assert len(found.questions) == 3


def test_what_is_not_said_has_no_answer(lectures):
    found = ask("Who won the football match in Paris?", lectures[LECTURES[0]].passage)
    assert (found.text, found.citations, found.grounded) == ("", (), False)
    assert len(found.questions) == 3


def test_a_question_about_everything_gets_the_most_salient_sentences(lectures):
    found = ask("What is this about?", lectures[LECTURES[0]].passage)
    assert 1 <= len(found.citations) <= 3


MEETING = tuple(
    Segment(float(start_s), start_s + 5.0, text)
    for start_s, text in {
        101: "There's the functional design of the the remote control.",
        133: "What's the difference between the functional design and conceptual design?",
        145: "The functional design is more your area of things where you'll be we want to look at"
        " what functions we need in the remote control.",
        155: "But the conceptual design is perhaps bigger than that.",
    }.items()
)
"""From QMSum's ES2006a."""


@pytest.mark.parametrize(
    ("question", "seconds"),
    [
        ("Summarize the discussion about the functional design of the remote control.", [101, 145]),
        ("What is the functional design of the remote control?", [101]),
        ("기능 디자인 논의를 요약해 주세요", [101, 145]),
    ],
)
def test_a_summary_or_discussion_is_more_than_the_sentence_that_names_it(question, seconds):
    passage = Passage(BEES, MEETING)
    places = [Place(BEES, (MEETING[i],), 0.8) for i in (0, 2)]
    found = extract_answer(Asked(question, [passage], "en"), places)
    assert [citation.start_s for citation in found.citations] == seconds


def test_a_sentence_that_only_announces_is_not_the_whole_answer():
    said = (
        Segment(0.0, 5.0, "At the end we discuss the key remote control concepts."),
        Segment(5.0, 9.0, "The key concept is a case of rubber with few buttons."),
    )
    places = [Place(BEES, (one,), 0.8) for one in said]
    asked = Asked("What are the key remote control concepts?", [Passage(BEES, said)], "en")
    found = extract_answer(asked, places)
    assert [citation.start_s for citation in found.citations] == [0.0, 5.0]


def test_without_passages_there_is_no_answer():
    assert not ask("Why?").grounded
    assert find_evidence("Who is Karl von Frisch?", []) == []


@pytest.mark.parametrize(
    ("question", "seconds"),
    [
        ("When did the red tea from Kelso come to another town?", [0]),
        ("In which month do farmers pick the red tea from Oslo?", [10, 20]),
        ("Who counted the bees of Kelso?", [40, 50]),
        ("Who counted the bees of Oslo?", []),
    ],
)
def test_similar_things_are_distinguished(question, seconds):
    """A kind is not the thing, order matters, and "them" refers to the last mentioned."""
    texts = (
        "The red tea from Kelso came to Oslo in nineteen ten.",
        "The red tea from Oslo came to Kelso in nineteen twenty.",
        "Farmers pick its leaves in May.",
        "Half of the bees of Oslo left because of the cold.",
        "The bees of Kelso make white honey.",
        "Nora Lee counted them in June.",
    )
    said = tuple(Segment(10.0 * i, 10.0 * i + 9, text) for i, text in enumerate(texts))
    found = ask(question, Passage(KOREAN_VIDEO, said))
    assert [citation.start_s for citation in found.citations] == seconds


def test_a_sentence_that_points_back_brings_the_one_before():
    said = (
        Segment(0, 9, "The bridge in Oslo is old."),
        Segment(9, 18, "It was built of red stone."),
    )
    found = ask("What is the bridge in Oslo built of?", Passage(KOREAN_VIDEO, said))
    assert [citation.start_s for citation in found.citations] == [0, 9]


@pytest.mark.parametrize(
    ("question", "second"),
    [
        ("프리슈는 언제 춤을 해독했나요?", 30.0),
        ("여왕벌은 하루에 알을 몇 개 낳나요?", 40.0),
        ("벌집의 온도는 몇 도인가요?", 50.0),
        ("말벌은 무엇으로 집을 짓나요?", 60.0),
    ],
)
def test_korean_facts_are_found(question, second):
    found = ask(question, KOREAN_PASSAGE, language="ko")
    assert second in [citation.start_s for citation in found.citations]


def test_korean_questions_about_other_things_are_refused():
    found = ask("서울의 지하철은 언제 개통되었나요?", KOREAN_PASSAGE, language="ko")
    assert not found.grounded
    assert all("가" <= question[0] <= "힣" for question in found.questions)
