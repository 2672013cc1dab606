"""This file cuts what is too long for a model's context into parts that fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from textwrap import wrap

from core.model import Segment

LINE_CHARACTERS, LONGEST_LINE = 200, 1000
BORDER_WITHIN = 0.7  # a part ends at a chapter's border if there is one in its last third


@dataclass(frozen=True, slots=True)
class Line:
    """What stands in a prompt for `count` segments from `first` on: their words, or a note."""

    first: int
    count: int
    said: Segment


def merge_into_lines(segments: Sequence[Segment], borders: Set[float]) -> Iterator[Line]:
    """Short neighbours share a line, since its number costs as much as three words; a segment that
    is too long for one takes several. No line goes across a border, a second that chapters begin.
    """
    first = 0
    for after in range(1, len(segments) + 1):
        text = " ".join(segment.text.strip() for segment in segments[first:after])
        is_last = after == len(segments) or segments[after].start_s in borders
        if len(text) < LINE_CHARACTERS and not is_last:
            continue
        for piece in wrap(text, LONGEST_LINE) or [""]:
            said = Segment(segments[first].start_s, segments[after - 1].end_s, piece)
            yield Line(first, after - first, said)
        first = after


def split_lines(
    lines: Sequence[Line], sizes: Sequence[int], room: int, borders: Set[float]
) -> list[Sequence[Line]]:
    """Parts as large as `room` allows, that end at a border where one is near. `sizes`: tokens."""
    parts, first, used = [], 0, 0
    for i, size in enumerate(sizes):
        if used + size > room and i > first:
            earliest = first + int((i - first) * BORDER_WITHIN)
            near = (j for j in range(i, earliest, -1) if lines[j].said.start_s in borders)
            after = next(near, i)
            parts.append(lines[first:after])
            first, used = after, sum(sizes[after:i])
        used += size
    return [*parts, lines[first:]]


def minutes(lines: Sequence[Line]) -> float:
    """From the first word to the last."""
    return (lines[-1].said.end_s - lines[0].said.start_s) / 60


def characters(lines: Sequence[Line]) -> int:
    """Of all that stands in them."""
    return sum(len(line.said.text) for line in lines)
