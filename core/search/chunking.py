"""This file cuts a transcript into chunks: the pieces that are embedded, searched and shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from core.model import Chapter, Chunk, Segment, Transcript, Video
from core.text.tokens import cjk_characters

CHUNK_S, CHUNK_WORDS, CHUNK_CJK = 75.0, 180, 400
TINY = 0.25
"""A piece below this share of a whole chunk joins its neighbour."""


def chunk(video: Video, transcript: Transcript, chapters: Sequence[Chapter]) -> list[Chunk]:
    """Whole segments in order, each in one chunk of about 75 s, 180 words or 400 CJK letters,
    whichever comes first.

    Chapters are not mixed unless one is tiny; a segment longer than a chunk is one by itself.
    """
    segments = transcript.segments
    ranges = _join_tiny(segments, list(_cut(segments, chapters)))
    return [
        Chunk(
            video_id=video.id,
            number=number,
            start_s=segments[first].start_s,
            end_s=segments[after - 1].end_s,
            first=first,
            last=after - 1,
            heading=_heading(video, chapters, segments[first].start_s),
            text=" ".join(segment.text.strip() for segment in segments[first:after]),
        )
        for number, (first, after) in enumerate(ranges)
    ]


def _cut(segments: Sequence[Segment], chapters: Sequence[Chapter]) -> Iterator[tuple[int, int]]:
    """Ranges of segments, the second index excluded."""
    starts = [chapter.start_s for chapter in chapters[1:]]
    first = chapter = 0
    said = 0.0
    for i, segment in enumerate(segments):
        said += _said(segment)
        now = bisect_right(starts, segment.start_s)
        span = (segment.end_s - segments[first].start_s) / CHUNK_S
        if i > first and (now != chapter or max(span, said) > 1):
            yield first, i
            first, said = i, _said(segment)
        chapter = now
    if segments:
        yield first, len(segments)


def _said(segment: Segment) -> float:
    """The share of a chunk that its words fill."""
    return max(len(segment.text.split()) / CHUNK_WORDS, cjk_characters(segment.text) / CHUNK_CJK)


def _join_tiny(
    segments: Sequence[Segment], ranges: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """A tiny piece joins the one before it; a tiny beginning is joined by the one after it."""

    def is_tiny(first: int, after: int) -> bool:
        span = (segments[after - 1].end_s - segments[first].start_s) / CHUNK_S
        return max(span, sum(_said(segment) for segment in segments[first:after])) < TINY

    joined: list[tuple[int, int]] = []
    for first, after in ranges:
        if joined and (is_tiny(first, after) or (len(joined) == 1 and is_tiny(*joined[0]))):
            first = joined.pop()[0]
        joined.append((first, after))
    return joined


def _heading(video: Video, chapters: Sequence[Chapter], start_s: float) -> str:
    title = next((c.title for c in reversed(chapters) if c.start_s <= start_s), "")
    return " · ".join(part for part in (video.title, video.channel_name, title) if part)
