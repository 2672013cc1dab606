"""Phrases that the terminal, the chats and exported documents share. Plain text, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from bot.words import Words
from core.export.document import Labels
from core.model import EXTRACTIVE, Answer, Place, Progress, Ready, SearchResult, writer_of
from core.text.display import clock, one_line

PINNED = "📌"


def render_progress(progress: Progress, words: Words) -> str:
    """The stage, its percentage, and the time left and a note where there are any."""
    parts = [words(f"stages.{progress.stage}"), f"{progress.fraction:.0%}"]
    if progress.eta_s is not None:
        parts.append(words("labels.left", eta=clock(progress.eta_s)))
    if progress.note:
        parts.append(words(f"stage_notes.{progress.note}"))
    return " · ".join(parts)


def covered(ready: Ready, words: Words) -> str:
    """How much of the video the summary covers."""
    total_s = max(ready.video.duration_s, ready.transcript.segments[-1].end_s)
    covered_s = min(ready.summary.covered_s, total_s)
    return words("labels.covered", covered=clock(covered_s), total=clock(total_s))


def made_by(ready: Ready, words: Words) -> str:
    """What made the transcript and the summary."""
    source = words(f"sources.{ready.transcript.source}")
    return f"{source} · {engine_text(ready.summary.engine, words)}"


def engine_text(engine: str, words: Words) -> str:
    if engine == "extractive":
        return words("engines.extractive")
    model, is_partly_quoted = writer_of(engine)
    return words("engines.partly" if is_partly_quoted else "engines.model", engine=model)


def grounding_text(answer: Answer, words: Words) -> str:
    """How far the videos support the answer; "" for one that they support whole."""
    if answer.partly:
        return words("answer.closest" if answer.engine == EXTRACTIVE else "answer.partly")
    if not answer.text.strip():
        return words("answer.closest") if answer.citations else ""
    return "" if answer.grounded else words("answer.not_grounded")


def quote_and_title(quote: str, title: str) -> str:
    """A citation's quote with the title of its video, for a style that puts quotation marks around
    it. "" for a title that needs no telling."""
    quote = one_line(quote)
    return f"{quote}” — “{one_line(title)}" if title else quote


def search_sections(
    query: str, result: SearchResult, words: Words
) -> list[tuple[str, Sequence[Place]]]:
    """What a search found: headings, each with its sentences."""
    query = one_line(query)
    is_whole = all(place.nearness >= 1 for place in result.said)
    heading = ("said" if is_whole else "partly") if result.said else "none"
    sections = [(words(f"hits.{heading}", query=query), result.said)]
    if result.unsaid and (result.said or len(result.unsaid) > 1):
        quoted = ", ".join(f"“{one_line(word)}”" for word in result.unsaid)
        sections.append((words("hits.unsaid", words=quoted), ()))
    if result.nearest:
        sections.append((words("hits.nearest"), result.nearest))
    return [*sections, *((text, ()) for text in note_texts(result.notes, words))]


def note_texts(notes: Sequence[str], words: Words) -> list[str]:
    return [words(f"notes.{note}") for note in notes]


def export_labels(words: Words) -> Labels:
    """The headings of an exported document."""
    return Labels(**{field.name: words(f"labels.{field.name}") for field in fields(Labels)})
