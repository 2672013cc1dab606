"""Split a transcript that exceeds a model's context into parts that fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from textwrap import wrap

from core.model import Segment

MIN_LINE_CHARACTERS, MAX_LINE_CHARACTERS = 200, 1000
CHAPTER_START_WITHIN = 0.7  # a part ends at a chapter start if one lies in its last 30 %


@dataclass(frozen=True, slots=True)
class Line:
    """A prompt line for `count` segments from index `first` on: their text, or a note on them."""

    first: int
    count: int
    said: Segment


def merge_into_lines(segments: Sequence[Segment], chapter_starts: Set[float]) -> Iterator[Line]:
    """Merge short neighbours into one line, and wrap a long segment over several.

    A line's number costs as much as three words. No line spans a chapter start (in seconds).
    """
    first = 0
    for after in range(1, len(segments) + 1):
        text = " ".join(segment.text.strip() for segment in segments[first:after])
        is_last = after == len(segments) or segments[after].start_s in chapter_starts
        if len(text) < MIN_LINE_CHARACTERS and not is_last:
            continue
        for piece in wrap(text, MAX_LINE_CHARACTERS) or [""]:
            said = Segment(segments[first].start_s, segments[after - 1].end_s, piece)
            yield Line(first, after - first, said)
        first = after


def split_lines(
    lines: Sequence[Line], sizes: Sequence[int], limit: int, chapter_starts: Set[float]
) -> list[Sequence[Line]]:
    """Split into parts of at most `limit` tokens, at chapter starts where one is near.

    `sizes`: each line's tokens. A single line may exceed the limit.
    """
    parts, first, used = [], 0, 0
    for i, size in enumerate(sizes):
        if used + size > limit and i > first:
            earliest = first + int((i - first) * CHAPTER_START_WITHIN)
            near = (j for j in range(i, earliest, -1) if lines[j].said.start_s in chapter_starts)
            after = next(near, i)
            parts.append(lines[first:after])
            first, used = after, sum(sizes[after:i])
        used += size
    return [*parts, lines[first:]]


def duration_min(lines: Sequence[Line]) -> float:
    """Minutes from the first word to the last."""
    return (lines[-1].said.end_s - lines[0].said.start_s) / 60


def count_characters(lines: Sequence[Line]) -> int:
    """Characters of all lines."""
    return sum(len(line.said.text) for line in lines)
