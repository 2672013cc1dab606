"""Lay out a video's summary, transcript and conversation as plain text or Markdown.

Headings are passed in as Labels, because core holds no text in a user's language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.model import Answer, Citation, Point, Summary, Transcript, Turn, Video
from core.text.display import clock, one_line, printable


@dataclass(frozen=True, slots=True)
class Labels:
    """Headings and fixed texts of a document, in the user's language."""

    topic: str
    points: str
    chapters: str
    transcript: str
    conversation: str
    sources: str
    not_in_video: str


class Style(Protocol):
    """Formats a document's parts. Texts are untrusted; URLs are our own."""

    def heading(self, level: int, text: str) -> str: ...
    def text(self, text: str) -> str: ...
    def strong(self, text: str) -> str: ...
    def hashtags(self, tags: Sequence[str]) -> str: ...
    def address(self, url: str) -> str: ...
    def at(self, second: float, url: str, text: str) -> str: ...
    def spoken(self, second: float, url: str, text: str) -> str: ...
    def source(self, citation: Citation) -> str: ...
    def answer(self, answer: Answer) -> str: ...


class Plain:
    """Plain text, for terminals and .txt files."""

    def heading(self, level: int, text: str) -> str:
        return one_line(text)

    def text(self, text: str) -> str:
        return one_line(text)

    def strong(self, text: str) -> str:
        return one_line(text)

    def hashtags(self, tags: Sequence[str]) -> str:
        return one_line(" ".join(f"#{tag}" for tag in tags))

    def address(self, url: str) -> str:
        return url

    def at(self, second: float, url: str, text: str) -> str:
        return f"[{clock(second)}] {one_line(text)}  {url}"

    def spoken(self, second: float, url: str, text: str) -> str:
        return f"[{clock(second)}] {one_line(text)}"

    def source(self, citation: Citation) -> str:
        quote = one_line(citation.quote)
        return f"[{citation.n}] {clock(citation.start_s)} “{quote}”  {citation.url}"

    def answer(self, answer: Answer) -> str:
        return printable(answer.text).strip()


class Markdown:
    """Markdown, for .md files: times are links, and all text is escaped."""

    def heading(self, level: int, text: str) -> str:
        return f"{'#' * level} {self.text(text)}"

    def text(self, text: str) -> str:
        escaped = re.sub(r"([\\`*_{}\[\]<>()#|~!&$])", r"\\\1", one_line(text))
        return re.sub(r"^([-+=]|\d+(?=[.)]))", _escaped_start, escaped)

    def strong(self, text: str) -> str:
        return f"**{self.text(text)}**"

    def hashtags(self, tags: Sequence[str]) -> str:
        return self.text(" ".join(f"#{tag}" for tag in tags))

    def address(self, url: str) -> str:
        return f"[{self.text(url)}]({url})"

    def at(self, second: float, url: str, text: str) -> str:
        return f"[{clock(second)}]({url}) {self.text(text)}"

    def spoken(self, second: float, url: str, text: str) -> str:
        return f"- {self.at(second, url, text)}"

    def source(self, citation: Citation) -> str:
        line = self.at(citation.start_s, citation.url, f"“{citation.quote}”")
        return rf"- \[{citation.n}\] {line}"

    def answer(self, answer: Answer) -> str:
        text = "\n".join(self.text(line) for line in printable(answer.text).strip().split("\n"))
        for citation in answer.citations:
            marker = rf"\[{citation.n}\]"
            text = text.replace(marker, f"[{marker}]({citation.url})")
        return text


def _escaped_start(start: re.Match[str]) -> str:
    """Escape a list marker: `-` becomes `\\-`, and `1` before a point becomes `1\\`."""
    return f"{start[0]}\\" if start[0].isdigit() else f"\\{start[0]}"


def document(
    video: Video,
    transcript: Transcript,
    summary: Summary | None,
    turns: Sequence[Turn],
    labels: Labels,
    style: Style,
) -> str:
    """Lay out everything known about one video."""
    blocks = [head(video, style)]
    if summary:
        blocks += outline(video, summary, labels, style)
    if turns:
        blocks.append(style.heading(2, labels.conversation))
        for turn in turns:
            blocks += [style.heading(3, turn.question), *reply(turn.answer, labels, style)]
    spoken = (style.spoken(s.start_s, video.url_at(s.start_s), s.text) for s in transcript.segments)
    return "\n\n".join([*blocks, style.heading(2, labels.transcript), "\n".join(spoken)]) + "\n"


def head(video: Video, style: Style) -> str:
    """Lay out title, channel, length and address."""
    length, address = clock(video.duration_s), style.address(video.url)
    about = (style.text(video.channel_name), length, address)
    return style.heading(1, video.title) + "\n\n" + " · ".join(part for part in about if part)


def outline(video: Video, summary: Summary, labels: Labels, style: Style) -> Iterator[str]:
    """Yield a summary's blocks: topic, points, chapters, hashtags."""
    if summary.topic:
        yield f"{style.text(labels.topic)}: {style.text(summary.topic)}"
    if summary.points:
        yield "\n".join([style.heading(2, labels.points), *_points(video, summary.points, style)])
    if summary.chapters:
        yield style.heading(2, labels.chapters)
    for chapter in summary.chapters:
        title = style.at(chapter.start_s, video.url_at(chapter.start_s), chapter.title)
        yield "\n".join([title, *_points(video, chapter.points, style)])
    if summary.hashtags:
        yield style.hashtags([tag.lstrip("#") for tag in summary.hashtags])


def reply(answer: Answer, labels: Labels, style: Style) -> Iterator[str]:
    """Yield an answer's blocks: its text, then its citations."""
    yield style.answer(answer) if answer.text.strip() else style.text(labels.not_in_video)
    if answer.citations:
        sources = [style.source(citation) for citation in answer.citations]
        yield "\n".join([f"{style.text(labels.sources)}:", *sources])


def _points(video: Video, points: Sequence[Point], style: Style) -> list[str]:
    return [f"- {style.at(p.start_s, video.url_at(p.start_s), p.text)}" for p in points]
