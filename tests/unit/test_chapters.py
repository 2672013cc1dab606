"""Chapters of transcripts whose subjects are known."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import ChapterMark, Segment, Transcript, Video
from core.summary.chapters import find_chapters
from tests.harness.lectures import read_lecture

LONG = ("lecture-10min-us", "lecture-10min-f2")


def spoken(*texts: str, step_s: float = 10.0) -> Transcript:
    said = tuple(Segment(i * step_s, i * step_s + step_s, text) for i, text in enumerate(texts))
    return Transcript("v", "en", "whisper", said)


def marked(*marks: tuple[str, float]) -> Video:
    return Video("v", "Bees", marks=tuple(ChapterMark(title, start_s) for title, start_s in marks))


def outline(video: Video, transcript: Transcript) -> list[tuple[str, float]]:
    return [(chapter.title, chapter.start_s) for chapter in find_chapters(video, transcript)]


def check(chapters, transcript) -> None:
    assert chapters[0].start_s == transcript.segments[0].start_s
    assert chapters[-1].end_s == transcript.segments[-1].end_s
    assert all(before.end_s == after.start_s for before, after in pairwise(chapters))
    assert {c.start_s for c in chapters} <= {s.start_s for s in transcript.segments}


@pytest.mark.parametrize("name", LONG)
def test_chapters_start_exactly_where_the_topic_changes(assets, name):
    lecture = read_lecture(assets / f"{name}.json")
    found = find_chapters(lecture.video, lecture.transcript)
    check(found, lecture.transcript)
    true = [start_s for _, start_s in lecture.topics[1:]]
    assert [chapter.start_s for chapter in found[1:]] == pytest.approx(true, abs=10)


@pytest.mark.parametrize("name", LONG)
def test_titles_name_the_topics(assets, name):
    lecture = read_lecture(assets / f"{name}.json")
    titles = [c.title.casefold() for c in find_chapters(lecture.video, lecture.transcript)]
    named = [
        topic.removesuffix("s") in title
        for (topic, _), title in zip(lecture.topics, titles, strict=True)
    ]
    assert all(named), titles
    assert not any("," in title for title in titles), "a title, not a list of keywords"


def test_a_korean_talk_is_split_where_its_words_change():
    bees = ["꿀벌은 벌집에서 춤을 춘다.", "벌집에는 꿀벌의 꿀이 있다.", "꿀벌이 꿀을 모은다."] * 4
    ships = ["배는 바다를 건넌다.", "선장이 배를 바다로 몬다.", "배의 선장은 항구를 안다."] * 4
    found = find_chapters(Video("v", "이야기"), spoken(*bees, *ships))
    assert [chapter.start_s for chapter in found] == [0.0, 120.0]
    assert "꿀벌" in found[0].title


def test_the_uploaders_chapters_come_first():
    transcript = spoken(*["Bees dance."] * 12)
    assert outline(marked(("Intro", 0), ("Dance", 41.5)), transcript) == [
        ("Intro", 0.0),
        ("Dance", 50.0),
    ]


def test_a_mark_in_the_middle_of_a_second_finds_its_segment():
    assert outline(marked(("A", 0), ("B", 40.9)), spoken(*["Bees."] * 6))[1] == ("B", 40.0)


def test_marks_without_words_between_them_or_after_the_end_are_merged():
    video = marked(("A", 0), ("B", 31.5), ("C", 32), ("D", 900))
    assert outline(video, spoken(*["Bees."] * 6)) == [("A", 0.0), ("C", 40.0)]


def test_what_is_said_before_the_first_mark_belongs_to_it():
    video = marked(("A", 30), ("B", 50))
    assert outline(video, spoken(*["Bees."] * 6)) == [("A", 0.0), ("B", 50.0)]


def test_marks_that_are_all_after_the_end_are_ignored():
    assert len(outline(marked(("A", 900)), spoken("Bees dance."))) == 1


def test_a_short_video_is_one_chapter():
    assert len(outline(Video("v", "Bees"), spoken(*["Bees dance."] * 5))) == 1


def test_an_empty_transcript_has_no_chapters():
    assert find_chapters(Video("v", "Bees"), Transcript("v", "en", "whisper", ())) == ()


def test_twelve_hours_have_at_most_twenty_chapters():
    texts = [f"Word{i // 200} word{i // 90} said again." for i in range(4320)]
    found = find_chapters(Video("v", "Bees"), spoken(*texts))
    assert 10 <= len(found) <= 20


@given(
    st.lists(st.tuples(st.floats(0.1, 90), st.sampled_from(["Bees.", "", "Ships sail.", "꿀벌이"])))
)
def test_chapters_are_contiguous_and_start_at_segments(said):
    segments, at = [], 0.0
    for length, text in said:
        segments.append(Segment(at, at + length, text))
        at += length
    transcript = Transcript("v", "en", "whisper", tuple(segments))
    if segments:
        chapters = find_chapters(Video("v", ""), transcript)
        check(chapters, transcript)
        assert all(chapter.title for chapter in chapters)
