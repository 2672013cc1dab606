"""This file writes one video as a file to keep: text, markdown, subtitles or JSON."""

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
    """The content of a UTF-8 file. Subtitles hold the transcript alone, JSON holds every value."""
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
    """SubRip. It has no escapes, so an arrow in the text is shortened."""
    cues = (
        f"{n}\n{_time(start, ',')} --> {_time(end, ',')}\n{_shortened(text)}\n"
        for n, (start, end, text) in enumerate(_cues(segments), 1)
    )
    return "\n".join(cues)


def vtt(segments: Iterable[Segment]) -> str:
    """WebVTT, https://www.w3.org/TR/webvtt1/; escaped, so an arrow cannot stand in the text."""
    cues = (
        f"{n}\n{_time(start, '.')} --> {_time(end, '.')}\n{_escaped(text)}\n"
        for n, (start, end, text) in enumerate(_cues(segments), 1)
    )
    return "\n".join(["WEBVTT\n", *cues])


def _cues(segments: Iterable[Segment]) -> Iterator[Cue]:
    """In order of time, none empty, each at least 1 ms long, overlapping only where segments do."""
    start, end, end_s = 0, 0, 0.0
    for segment in segments:
        text = one_line(segment.text)
        if not text:
            continue
        # The cue before may have been moved or made longer.
        earliest = end if segment.start_s >= end_s else start
        start = max(round(segment.start_s * 1000), earliest)
        end, end_s = max(round(segment.end_s * 1000), start + 1), segment.end_s
        yield start, end, text


def _time(milliseconds: int, point: str) -> str:
    seconds, millisecond = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{point}{millisecond:03}"


def _shortened(text: str) -> str:
    return re.sub("-+>", "->", text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
