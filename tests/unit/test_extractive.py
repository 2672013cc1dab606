"""This file asks lectures whose facts are known, without a language model: what is found and what
is refused; and sums them up."""

import pytest

from core.answers import extractive
from core.answers.evidence import announces, find_evidence, points_back
from core.answers.extractive import hashtags
from core.model import Passage, Segment, Transcript, Video
from tests.fakes.lectures import read_lecture

LECTURES = ("examples/lecture-2min-us", "assets/lecture-10min-us", "assets/lecture-10min-f2")
KOREAN = (
    "안녕하세요, 오늘은 꿀벌에 대해 이야기하겠습니다.",
    "꿀벌은 벌집에서 춤을 춥니다.",
    "춤은 꽃이 있는 방향을 알려 줍니다.",
    "카를 폰 프리슈는 1944년에 춤을 해독했습니다.",
    "여왕벌은 하루에 알을 이천 개 낳습니다.",
    "벌집의 온도는 삼십오 도입니다.",
    "말벌은 종이로 집을 짓습니다.",
    "들어 주셔서 감사합니다.",
)
HIVE = Video("beesbeesbee", "꿀벌의 춤", hashtags=("#꿀벌",))
SEGMENTS = tuple(Segment(10.0 * i, 10.0 * i + 9, text) for i, text in enumerate(KOREAN))


@pytest.fixture(scope="module")
def lectures(examples, assets):
    folders = {"examples": examples, "assets": assets}
    return {
        name: read_lecture(folders[name.split("/")[0]] / f"{name.split('/')[1]}.json")
        for name in LECTURES
    }


def ask(question, *passages, language="en"):
    return extractive.answer(question, passages, [], [], language)


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


def test_a_question_about_everything_gets_what_says_most(lectures):
    found = ask("What is this about?", lectures[LECTURES[0]].passage)
    assert 1 <= len(found.citations) <= 3


def test_nothing_to_look_through_is_no_answer():
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
def test_alike_things_are_told_apart(question, seconds):
    """A kind is not the thing, order matters, and "them" are those spoken of last."""
    texts = (
        "The red tea from Kelso came to Oslo in nineteen ten.",
        "The red tea from Oslo came to Kelso in nineteen twenty.",
        "Farmers pick its leaves in May.",
        "Half of the bees of Oslo left because of the cold.",
        "The bees of Kelso make white honey.",
        "Nora Lee counted them in June.",
    )
    said = tuple(Segment(10.0 * i, 10.0 * i + 9, text) for i, text in enumerate(texts))
    found = ask(question, Passage(HIVE, said))
    assert [citation.start_s for citation in found.citations] == seconds


def test_a_sentence_that_points_back_brings_the_one_before():
    said = (
        Segment(0, 9, "The bridge in Oslo is old."),
        Segment(9, 18, "It was built of red stone."),
    )
    found = ask("What is the bridge in Oslo built of?", Passage(HIVE, said))
    assert [citation.start_s for citation in found.citations] == [0, 9]


@pytest.mark.parametrize("text", ["It can dive.", "They left.", "이것은 집입니다.", "그는 갔다."])
def test_it_and_they_point_back(text):
    assert points_back(text)
    assert not points_back("Italy is old.")


@pytest.mark.parametrize("text", ["Now we talk about whales.", "꿀벌에 대해 이야기하겠습니다."])
def test_what_will_be_said_is_announced(text):
    assert announces(text)
    assert not announces("Whales talk.")


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
    found = ask(question, Passage(HIVE, SEGMENTS), language="ko")
    assert second in [citation.start_s for citation in found.citations]


def test_korean_questions_about_other_things_are_refused():
    found = ask("서울의 지하철은 언제 개통되었나요?", Passage(HIVE, SEGMENTS), language="ko")
    assert not found.grounded
    assert all("가" <= question[0] <= "힣" for question in found.questions)


@pytest.mark.parametrize("name", LECTURES)
def test_a_summary_is_made_of_real_sentences_and_covers_all(lectures, name):
    lecture = lectures[name]
    summary = extractive.summarise(lecture.video, lecture.transcript)
    said = {segment.start_s: segment.text for segment in lecture.transcript.segments}
    within = [point for chapter in summary.chapters for point in chapter.points]
    assert all(said[point.start_s] == point.text for point in (*summary.points, *within))
    assert all(chapter.points for chapter in summary.chapters)
    assert 3 <= len(summary.points) <= 7
    assert len({point.text for point in summary.points}) == len(summary.points)
    assert summary.covered_s == lecture.transcript.segments[-1].end_s
    assert len(set(summary.questions)) == 3


@pytest.mark.parametrize("name", LECTURES)
def test_topic_and_hashtags_name_what_the_lecture_is_about(lectures, name):
    lecture = lectures[name]
    summary = extractive.summarise(lecture.video, lecture.transcript)
    topics = {topic for topic, _ in lecture.topics}
    assert sum(topic in summary.topic for topic in topics) >= 2
    assert {tag.lstrip("#") for tag in summary.hashtags[:2]} <= topics


def test_a_korean_summary_asks_in_korean():
    summary = extractive.summarise(HIVE, Transcript(HIVE.id, "ko", "whisper", SEGMENTS))
    assert summary.hashtags[0] == "#꿀벌"
    assert "꿀벌" in summary.topic
    assert all("가" <= question[0] <= "힣" for question in summary.questions)


def test_one_segment_is_enough():
    summary = extractive.summarise(HIVE, Transcript("v", "ko", "file", SEGMENTS[1:2]))
    assert [point.start_s for point in summary.points] == [10.0]
    assert [(c.start_s, c.end_s) for c in summary.chapters] == [(10.0, 19.0)]


def test_hashtags_are_words_once_each_and_the_videos_own_first():
    video = Video("v", "t", hashtags=("#Bees", "honey bee"))
    found = hashtags(video, ["bees", "Tea!", "", "#", "<b>x</b>", *"abcdefg"])
    assert found[:4] == ("#Bees", "#honeybee", "#Tea", "#bxb")
    assert len(found) == 8
