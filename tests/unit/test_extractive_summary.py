"""Summaries without a language model, of lectures whose subjects are known."""

import pytest

from core.backends.subtitles import read_subtitles
from core.model import Transcript, Video
from core.summary.extractive import extract_summary, hashtags
from core.text.sentence_splitting import split_sentences
from core.text.sentences import are_whole
from tests.eval.datasets import DATA
from tests.harness.lectures import KOREAN_SEGMENTS, KOREAN_VIDEO, LECTURES, read_lectures


@pytest.fixture(scope="module")
def lectures(examples, assets):
    return read_lectures(examples, assets)


@pytest.mark.parametrize("name", LECTURES)
def test_a_summary_is_made_of_real_sentences_and_covers_all(lectures, name):
    lecture = lectures[name]
    summary = extract_summary(lecture.video, lecture.transcript)
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
    summary = extract_summary(lecture.video, lecture.transcript)
    topics = {topic for topic, _ in lecture.topics}
    assert sum(topic in summary.topic for topic in topics) >= 2
    for tag in summary.hashtags[:2]:  # "#BrownGlass" is about glass
        assert any(topic.removesuffix("s") in tag.casefold() for topic in topics), tag


def test_a_korean_summary_asks_in_korean():
    summary = extract_summary(
        KOREAN_VIDEO, Transcript(KOREAN_VIDEO.id, "ko", "whisper", KOREAN_SEGMENTS)
    )
    assert summary.hashtags[0] == "#꿀벌"
    assert "꿀벌" in summary.topic
    assert all("가" <= question[0] <= "힣" for question in summary.questions)


def test_one_segment_is_enough():
    summary = extract_summary(KOREAN_VIDEO, Transcript("v", "ko", "file", KOREAN_SEGMENTS[1:2]))
    assert [point.start_s for point in summary.points] == [10.0]
    assert [(c.start_s, c.end_s) for c in summary.chapters] == [(10.0, 19.0)]


def test_hashtags_are_words_once_each_and_the_videos_own_first():
    video = Video("v", "t", hashtags=("#Bees", "honey bee"))
    found = hashtags(video, ["bees", "Tea!", "", "#", "<b>x</b>", *"abcdefg"])
    assert found[:4] == ("#Bees", "#honeybee", "#Tea", "#bxb")
    assert len(found) == 8


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_point_of_a_real_talk_breaks_off(language):
    segments = split_sentences(read_subtitles(DATA / f"pair01.{language}.srt").segments)
    summary = extract_summary(Video("talk", ""), Transcript("talk", language, "captions", segments))
    texts = [segment.text for segment in segments]
    is_whole = dict(zip((s.start_s for s in segments), are_whole(texts), strict=True))
    within = [point for chapter in summary.chapters for point in chapter.points]
    assert not all(is_whole.values())
    assert all(is_whole[point.start_s] for point in (*summary.points, *within))
