"""Split a transcript into chunks, the unit that is embedded, searched and retrieved."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from core.model import Chapter, Chunk, Segment, Transcript, Video
from core.text.tokens import cjk_characters

CHUNK_S, CHUNK_WORDS, CHUNK_CJK = 75.0, 180, 400
MIN_FILL = 0.25
"""A chunk smaller than this share of a full one is merged into its neighbour."""


def chunk(video: Video, transcript: Transcript, chapters: Sequence[Chapter]) -> list[Chunk]:
    """Pack whole segments, in order, into chunks of about 75 s, 180 words or 400 CJK characters,
    whichever limit comes first.

    A chunk stays within a chapter unless the chapter is tiny; a segment that exceeds a chunk is one
    of its own.
    """
    segments = transcript.segments
    ranges = _merge_tiny(segments, list(_ranges(segments, chapters)))
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


def _ranges(segments: Sequence[Segment], chapters: Sequence[Chapter]) -> Iterator[tuple[int, int]]:
    """Yield ranges of segments, end excluded."""
    starts = [chapter.start_s for chapter in chapters[1:]]
    first = chapter = 0
    filled = 0.0
    for i, segment in enumerate(segments):
        filled += _fill(segment)
        current = bisect_right(starts, segment.start_s)
        span = (segment.end_s - segments[first].start_s) / CHUNK_S
        if i > first and (current != chapter or max(span, filled) > 1):
            yield first, i
            first, filled = i, _fill(segment)
        chapter = current
    if segments:
        yield first, len(segments)


def _fill(segment: Segment) -> float:
    """Return the share of a chunk that the segment's words fill."""
    return max(len(segment.text.split()) / CHUNK_WORDS, cjk_characters(segment.text) / CHUNK_CJK)


def _merge_tiny(
    segments: Sequence[Segment], ranges: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Merge a tiny range into the one before it, and a tiny first one into the one after it."""

    def is_tiny(first: int, after: int) -> bool:
        span = (segments[after - 1].end_s - segments[first].start_s) / CHUNK_S
        return max(span, sum(_fill(segment) for segment in segments[first:after])) < MIN_FILL

    merged: list[tuple[int, int]] = []
    for first, after in ranges:
        if merged and (is_tiny(first, after) or (len(merged) == 1 and is_tiny(*merged[0]))):
            first = merged.pop()[0]
        merged.append((first, after))
    return merged


def _heading(video: Video, chapters: Sequence[Chapter], start_s: float) -> str:
    title = next((c.title for c in reversed(chapters) if c.start_s <= start_s), "")
    return " · ".join(part for part in (video.title, video.channel_name, title) if part)
