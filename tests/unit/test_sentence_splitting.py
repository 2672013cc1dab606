"""Sentences are made of segments that break anywhere, in English and Korean."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import Segment
from core.text import sentence_splitting
from core.text.sentence_splitting import LONG_PAUSE_S, MAX_S, split_sentences

# The first cues of a Hugging Face course video (Apache-2.0).
COURSE = (
    Segment(5.85, 7.713, "Welcome to the Hugging Face Course."),
    Segment(8.55, 10.32, "This course has been designed to teach you"),
    Segment(10.32, 12.75, "all about the Hugging Face ecosystem,"),
    Segment(12.75, 14.7, "how to use the dataset and model hub"),
    Segment(14.7, 16.803, "as well as all our open-source libraries."),
    Segment(18.3, 19.95, "Here is the Table of Contents."),
)
# From a talk at PyCon Korea 2019 (CC BY 4.0).
KOREAN = (
    Segment(0, 4.54, "안녕하세요 오늘 발표를 하게 된 신정규 입니다"),
    Segment(4.54, 13.62, "와하 네 올해 발표를 하게 될 내용은 제가 처음"),
    Segment(13.62, 15.17, "팔콘 에서 발표했던 4년"),
    Segment(15.17, 19.21, "전 내용과 제목이 거의 같습니다"),
)


def texts(*lines: str, seconds: float = 3.0, pause: float = 0.0) -> list[str]:
    cues = [
        Segment(i * (seconds + pause), i * (seconds + pause) + seconds, line)
        for i, line in enumerate(lines)
    ]
    return [sentence.text for sentence in split_sentences(cues)]


def test_the_example_holds():
    assert doctest.testmod(sentence_splitting).failed == 0


def test_cues_are_joined_to_the_sentence_that_they_share():
    found = split_sentences(COURSE)

    assert [sentence.text for sentence in found] == [
        "Welcome to the Hugging Face Course.",
        "This course has been designed to teach you all about the Hugging Face ecosystem, how to"
        " use the dataset and model hub as well as all our open-source libraries.",
        "Here is the Table of Contents.",
    ]
    assert [(s.start_s, s.end_s) for s in found] == [(5.85, 7.713), (8.55, 16.803), (18.3, 19.95)]


def test_korean_without_punctuation_ends_at_its_endings():
    greeting, *rest = split_sentences(KOREAN)

    assert greeting.text == "안녕하세요"
    assert [(sentence.end_s, sentence.text) for sentence in rest] == [
        (4.54, "오늘 발표를 하게 된 신정규 입니다"),
        (
            19.21,
            "와하 네 올해 발표를 하게 될 내용은 제가 처음 팔콘 에서 발표했던 4년 전 내용과 제목이"
            " 거의 같습니다",
        ),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "It costs $3.50 or 1,000.5 won, says Dr. May of St. Ives.",
        "The U.S. team met J. K. Rowling on Jan. 5.",
        "Use e.g. version 2.13.0 of the file model.py now.",
        'He asked "why?" and left.',
        "Well... that is one of the reasons.",
    ],
)
def test_abbreviations_and_numbers_stay_whole(line):
    assert texts("First.", line, "Last one.") == ["First.", line, "Last one."]


def test_one_segment_may_hold_several_sentences():
    assert texts('She said "Go!" We went. 꿀벌은 춤춘다. 왜 그럴까요? 蜂は踊る。花が咲く。') == [
        'She said "Go!"',
        "We went.",
        "꿀벌은 춤춘다.",
        "왜 그럴까요?",
        "蜂は踊る。",
        "花が咲く。",
    ]


def test_lines_without_full_stops_end_where_the_next_begins_with_a_capital():
    assert texts("Hello, we organise this", "And I am Aven", "the other host of it") == [
        "Hello, we organise this",
        "And I am Aven the other host of it",
    ]


def test_a_long_pause_ends_a_sentence():
    assert texts("we wait", "and see", pause=LONG_PAUSE_S) == ["we wait", "and see"]
    assert texts("we wait", "and see", pause=LONG_PAUSE_S / 2) == ["we wait and see"]


def test_endless_speech_is_cut_at_commas_and_pauses():
    lines = [f"and then the {word} went on, so to say" for word in ("bee", "hive", "queen", "bear")]
    found = split_sentences(
        [Segment(i * 12.0, i * 12.0 + 11.5, line) for i, line in enumerate(lines * 3)]
    )

    assert len(found) > 2
    assert all(sentence.end_s - sentence.start_s <= MAX_S for sentence in found)
    assert all(sentence.text.endswith(("say", ",")) for sentence in found)


WORDS = st.text(st.sampled_from("abAZ 가니다요1.?,。\"'\n"), max_size=60)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 40), WORDS), max_size=12))
def test_no_word_is_lost_and_no_time_runs_back(parts):
    segments, now = [], 0.0
    for pause_s, length_s, text in parts:
        segments.append(Segment(now + pause_s, now + pause_s + length_s, text))
        now += pause_s + length_s
    found = split_sentences(segments)

    said = "".join("".join(segment.text.split()) for segment in segments)
    assert "".join("".join(sentence.text.split()) for sentence in found) == said
    assert all(sentence.text.strip() for sentence in found)
    times = [time for sentence in found for time in (sentence.start_s, sentence.end_s)]
    assert times == sorted(times)
    assert not times or (times[0] >= segments[0].start_s and times[-1] <= now + 1e-6)
