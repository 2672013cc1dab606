"""This file turns "this was said here" into a citation: times, words and address by code alone."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Citation, Segment, Video

QUOTE_CHARACTERS = 300


def cite(n: int, video: Video, segments: Sequence[Segment]) -> Citation:
    """Marker `[n]` for neighbouring `segments` (at least one) of `video`, in order of time."""
    start_s, end_s = segments[0].start_s, segments[-1].end_s
    quote = " ".join(segment.text.strip() for segment in segments)
    if len(quote) > QUOTE_CHARACTERS:
        quote = quote[: QUOTE_CHARACTERS - 1].rstrip() + "…"
    return Citation(n, video.id, start_s, end_s, quote, video.url_at(start_s))
