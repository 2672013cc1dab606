"""Convert a video to a file's content: text, Markdown, subtitles or JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Literal

from core.export.document import Labels, Markdown, Plain, document
from core.model import Segment, Summary, Transcript, Turn, Video
from core.text.display import one_line, to_json

Format = Literal["txt", "md", "srt", "vtt", "json"]

Cue = tuple[int, int, str]
"""Start and end in milliseconds, and one line of text."""


def export(
    video: Video,
    transcript: Transcript,
    summary: Summary | None,
    turns: Sequence[Turn],
    format: Format,
    labels: Labels,
) -> str:
    """Return a UTF-8 file's content. Subtitles hold only the transcript, JSON every value."""
    if format == "srt":
        return srt(transcript.segments)
    if format == "vtt":
        return vtt(transcript.segments)
    if format == "json":
        whole = {
            "video": asdict(video),
            "transcript": asdict(transcript),
            "summary": asdict(summary) if summary else None,
            "turns": [asdict(turn) for turn in turns],
        }
        return to_json(whole, indent=2) + "\n"
    style = Markdown() if format == "md" else Plain()
    return document(video, transcript, summary, turns, labels, style)


def srt(segments: Iterable[Segment]) -> str:
    """Format as SubRip, which has no escapes: shorten arrows in the text."""
    cues = (
        f"{n}\n{_time(start, ',')} --> {_time(end, ',')}\n{_shorten_arrows(text)}\n"
        for n, (start, end, text) in enumerate(_cues(segments), 1)
    )
    return "\n".join(cues)


def vtt(segments: Iterable[Segment]) -> str:
    """Format as WebVTT, https://www.w3.org/TR/webvtt1/, with escaped text."""
    cues = (
        f"{n}\n{_time(start, '.')} --> {_time(end, '.')}\n{_escape(text)}\n"
        for n, (start, end, text) in enumerate(_cues(segments), 1)
    )
    return "\n".join(["WEBVTT\n", *cues])


def _cues(segments: Iterable[Segment]) -> Iterator[Cue]:
    """Yield cues in order of time, none empty, each at least 1 ms long.

    Cues overlap only if their segments do."""
    start, end, end_s = 0, 0, 0.0
    for segment in segments:
        text = one_line(segment.text)
        if not text:
            continue
        # The previous cue may have been moved or lengthened.
        earliest = end if segment.start_s >= end_s else start
        start = max(round(segment.start_s * 1000), earliest)
        end, end_s = max(round(segment.end_s * 1000), start + 1), segment.end_s
        yield start, end, text


def _time(milliseconds: int, point: str) -> str:
    seconds, millisecond = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{point}{millisecond:03}"


def _shorten_arrows(text: str) -> str:
    return re.sub("-+>", "->", text)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
