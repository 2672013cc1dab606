"""Check that a summary is well formed, whatever wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from core.language_model.replies import QUESTION_CHARACTERS
from core.model import Chapter, Ready, Transcript


def check_chapters(chapters: Sequence[Chapter], transcript: Transcript) -> None:
    """They cover the video, in order, and their points are real segments of theirs."""
    starts = [segment.start_s for segment in transcript.segments]
    assert chapters[0].start_s == starts[0]
    assert chapters[-1].end_s == transcript.segments[-1].end_s
    for before, after in pairwise(chapters):
        assert before.end_s == after.start_s > before.start_s
    for chapter in chapters:
        assert chapter.start_s in starts
        assert 0 < len(chapter.title) <= 100
        assert "\n" not in chapter.title
        for point in chapter.points:
            assert point.start_s in starts
            assert chapter.start_s <= point.start_s < chapter.end_s
    assert len(chapters) <= 20


def check_questions(questions: Sequence[str]) -> None:
    """Three different ones, each a short line with a question mark, or one of ours."""
    assert len(set(questions)) == len(questions) == 3
    for question in questions:
        assert 0 < len(question.strip()) <= QUESTION_CHARACTERS
        assert re.search(r"[^\W\d_].*[?？.]", question)
        assert "\n" not in question


def check_summary(ready: Ready) -> None:
    """It has all its parts, and its points are real segments."""
    summary, transcript = ready.summary, ready.transcript
    starts = {segment.start_s for segment in transcript.segments}
    check_chapters(summary.chapters, transcript)
    check_questions(summary.questions)
    assert summary.topic.strip()
    assert 1 <= len(summary.points) <= 12
    assert all(point.start_s in starts and point.text.strip() for point in summary.points)
