"""Summarise a transcript with a language model, and take nothing but words from its reply: times
come from real segments and chapters cover the video, whatever the model wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from core.answers.citations import supporting_segment
from core.answers.suggested_questions import suggest
from core.language_model.replies import TITLE_CHARACTERS, ChapterDraft, PointDraft, SummaryDraft
from core.model import (
    Chapter,
    Point,
    Progress,
    Segment,
    Summary,
    Transcript,
    Video,
    partly_quoted,
)
from core.ports import Checkpoints, LanguageModel, ProgressCallback
from core.summary.chapters import MAX_CHAPTERS, MIN_CHAPTER_S, UNTITLED, find_chapters
from core.summary.extractive import MAX_CHAPTER_POINTS, hashtags
from core.summary.map_reduce import MapReduce
from core.text.key_phrases import key_phrases
from core.text.keywords import count_words
from core.text.safe_text import safe_line

MAX_POINTS = 12


async def summarise(
    video: Video,
    transcript: Transcript,
    model: LanguageModel,
    language: str,
    on_progress: ProgressCallback,
    *,
    checkpoints: Checkpoints,
) -> Summary:
    """Return a summary of at least one segment, in `language`.

    `covered_s` is the end of the last segment, because no part is ever left out (map_reduce.py).
    `checkpoints` keep the notes on a long video's parts, so that a repeated call resumes; the
    caller clears them once the summary is stored. Where the model wrote nothing usable, the video's
    own sentences stand, and the summary's `engine` says so. Raises BadModelOutput if it wrote
    nothing usable at all, and the server's errors.
    """
    on_progress(Progress("summarise"))
    writing = MapReduce(video, transcript, model, language, on_progress, checkpoints)
    written = await writing.write()
    draft = written.draft
    chapters = await asyncio.to_thread(chapters_of, draft, video, transcript)
    on_progress(Progress("summarise", 1.0))
    segments = transcript.segments
    texts = [segment.text for segment in segments]
    counts = count_words(texts)
    return Summary(
        topic=draft.topic,
        points=_spread(_points(draft.points, segments), MAX_POINTS),
        chapters=chapters,
        hashtags=hashtags(video, draft.hashtags),
        questions=suggest(key_phrases(texts, counts, 8), texts, language, ready=draft.questions),
        language=language,
        covered_s=segments[-1].end_s,
        engine=partly_quoted(model.name) if written.is_quoted else model.name,
    )


def chapters_of(draft: SummaryDraft, video: Video, transcript: Transcript) -> tuple[Chapter, ...]:
    """Return the uploader's chapters, else the model's, else those found in the words, with points.

    Chapters are contiguous, start at segments, and cover the whole transcript. The model's are at
    most 20, each of at least 20 seconds unless the video is shorter.
    """
    segments = transcript.segments
    chapters = () if video.marks else _model_chapters(draft.chapters, segments)
    chapters = chapters or find_chapters(video, transcript)
    own = _points((point for c in draft.chapters for point in c.points), segments)
    whole = _points(draft.points, segments)
    return tuple(
        replace(
            chapter,
            title=safe_line(chapter.title, TITLE_CHARACTERS)
            or safe_line(video.title, 100)
            or UNTITLED,
            points=(_within(chapter, own) or _within(chapter, whole))[:MAX_CHAPTER_POINTS],
        )
        for chapter in chapters
    )


def _model_chapters(
    drafts: Iterable[ChapterDraft], segments: Sequence[Segment]
) -> tuple[Chapter, ...]:
    """Order the model's chapters, start the first at the beginning, drop those too short."""
    begin_s, end_s = segments[0].start_s, segments[-1].end_s
    starts: dict[float, str] = {}
    for draft in sorted(drafts, key=lambda draft: draft.segment):
        start_s = segments[draft.segment - 1].start_s if starts else begin_s
        if not starts or min(start_s - list(starts)[-1], end_s - start_s) >= MIN_CHAPTER_S:
            starts[start_s] = draft.title
    while len(starts) > MAX_CHAPTERS:
        del starts[_after_shortest(list(starts))]
    ends = [*list(starts)[1:], end_s]
    return tuple(
        Chapter(title, start_s, after_s)
        for (start_s, title), after_s in zip(starts.items(), ends, strict=False)
    )


def _after_shortest(starts: Sequence[float]) -> float:
    """Return the start of the chapter after the shortest one; removing it merges the two."""
    return min(pairwise(starts), key=lambda pair: pair[1] - pair[0])[1]


def _points(drafts: Iterable[PointDraft], segments: Sequence[Segment]) -> tuple[Point, ...]:
    """Place each distinct point at the segment that supports it, in order of time."""
    placed = {
        draft.text: segments[supporting_segment(draft.text, segments, draft.segment - 1)].start_s
        for draft in drafts
    }
    points = (Point(text, start_s) for text, start_s in placed.items())
    return tuple(sorted(points, key=lambda point: point.start_s))


def _spread(points: Sequence[Point], limit: int) -> tuple[Point, ...]:
    """Pick at most `limit` points, spread evenly over the video."""
    step = max(len(points) / limit, 1)
    return tuple(points[int(i * step)] for i in range(min(limit, len(points))))


def _within(chapter: Chapter, points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(point for point in points if chapter.start_s <= point.start_s < chapter.end_s)
