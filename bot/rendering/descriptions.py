"""This file turns values and errors into words. Nothing else speaks to users.

What comes out is plain text: print it without markup, for a title may look like some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from rich.cells import set_cell_size

from bot.words import Words
from core.errors import ConfigError, CoreError, RequestError, VideoError
from core.export.document import Labels, Plain, head, outline, reply
from core.model import Answer, Check, Hit, Job, Progress, Ready, Video
from core.text.display import clock, one_line, shorten

FACT_CHARACTERS = 200

# The folders before a name: `/home/ada/models/tiny` may be told as `tiny` and no more.
_FOLDERS = re.compile(r"(?<![\w/:.])(?:~|[A-Za-z]:)?(?:[/\\][\w.@+~-]+)+[/\\](?=[\w.@+~-])")
_LOGIN = re.compile(r"(?<=//)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """An error as a user meets it: what happened, and the next step."""

    code: str
    message: str
    hint: str
    permanent: bool


def describe(error: Exception, words: Words) -> ErrorWords:
    """The one voice of all errors. What is no CoreError is told as unexpected, without details."""
    if not isinstance(error, CoreError):
        message, hint = words("errors.unexpected.message"), words("errors.unexpected.hint")
        return ErrorWords("unexpected", message, hint, permanent=False)
    key = f"errors.{error.code}"
    facts = {name: _told(value) for name, value in error.facts.items()}
    message = words(f"{key}.message", **facts)
    if f"{key}.more" in words and all(facts.values()):
        message += " " + words(f"{key}.more", **facts)
    return ErrorWords(error.code, message, words(f"{key}.hint", **facts), error.permanent)


def exit_code(error: Exception) -> int:
    """2: the request or the video · 78: the configuration · 75: try again later."""
    if isinstance(error, RequestError | VideoError):
        return 2
    return 78 if isinstance(error, ConfigError) else 75


def render_error(error: Exception, words: Words) -> str:
    """What happened, and below it the next step."""
    told = describe(error, words)
    return f"{told.message}\n{told.hint}"


def render_progress(progress: Progress, words: Words) -> str:
    """The stage, how much of it is done, and the time left and a note where there are any."""
    parts = [words(f"stages.{progress.stage}"), f"{progress.fraction:.0%}"]
    if progress.eta_s is not None:
        parts.append(words("labels.left", eta=clock(progress.eta_s)))
    if progress.note:
        parts.append(words(f"stage_notes.{progress.note}"))
    return " · ".join(parts)


def render_ready(ready: Ready, words: Words) -> str:
    """The summary, the suggested questions by number, and what stands behind them."""
    video, summary, style = ready.video, ready.summary, Plain()
    total_s = max(video.duration_s, ready.transcript.segments[-1].end_s)
    covered = clock(min(summary.covered_s, total_s))
    about = [
        words("labels.covered", covered=covered, total=clock(total_s)),
        f"{words(f'sources.{ready.transcript.source}')} · {engine_words(summary.engine, words)}",
        *note_words(ready.notes, words),
    ]
    blocks = [head(video, style), *outline(video, summary, export_labels(words), style)]
    return "\n\n".join([*blocks, *_questions(summary.questions, words), "\n".join(about)])


def render_answer(answer: Answer, words: Words, *, streamed: bool = False) -> str:
    """The answer with its sources and fresh questions; `streamed`: its text was shown already."""
    text, *sources = reply(answer, export_labels(words), Plain())
    said = bool(answer.text.strip())
    about = [words("answer.not_grounded")] if said and not answer.grounded else []
    about += [engine_words(answer.engine, words)] if said else []
    about += note_words(answer.notes, words)
    blocks = [] if streamed and said else [text]
    blocks += [*sources, "\n".join(about), *_questions(answer.questions, words)]
    return "\n\n".join(block for block in blocks if block)


def render_hits(query: str, pairs: Sequence[tuple[Hit, Video]], words: Words) -> str:
    """Each place found: where it is, its link, and what is said there."""
    if not pairs:
        return words("hits.none", query=one_line(query))
    blocks = [words("hits.title", query=one_line(query))]
    for n, (hit, video) in enumerate(pairs, 1):
        span = f"{clock(hit.chunk.start_s)}–{clock(hit.chunk.end_s)}"
        place = f"{n}. {one_line(video.title)}  {span}  {video.url_at(hit.chunk.start_s)}"
        blocks.append(f"{place}\n   {one_line(hit.chunk.text)}")
    return "\n\n".join(blocks)


def render_videos(videos: Sequence[Video], words: Words) -> str:
    """One line for each video, its id first."""
    if not videos:
        return words("videos.none")
    names = [" · ".join(filter(None, map(one_line, (v.title, v.channel_name)))) for v in videos]
    lengths = [clock(video.duration_s) for video in videos]
    rows = zip(videos, lengths, names, strict=True)
    return "\n".join(f"{video.id:<16}  {length:>8}  {name}" for video, length, name in rows)


def render_jobs(jobs: Sequence[Job], words: Words) -> str:
    """One line for each job, its id first."""
    rows = [
        f"{job.id}  {job.order.video_id:<16}  {one_line(job.order.channel)}  "
        f"{render_progress(job.progress, words)}"
        for job in jobs
    ]
    return "\n".join(rows) or words("jobs.none")


@dataclass(frozen=True, slots=True)
class CheckWords:
    """A check as a user meets it: `detail` is what was found, `fix` the next step, or empty."""

    name: str
    status: str
    detail: str
    fix: str


def describe_check(check: Check, words: Words) -> CheckWords:
    """An error tells itself, but its hint may lead to `doctor`: then there are words for here."""
    if isinstance(check.error, Exception):
        told = describe(check.error, words)
        own = f"checks.errors.{told.code}.fix"
        fix = words(own) if own in words else told.hint
        return CheckWords(check.name, check.status, told.message, fix)
    key = "checks.slow" if check.case == "slow" else f"checks.{check.name}.{check.case}"
    facts = {name: _told(value) for name, value in check.facts.items()}
    fix = words(f"{key}.fix", **facts) if f"{key}.fix" in words else ""
    return CheckWords(check.name, check.status, words(f"{key}.detail", **facts), fix)


def render_checks(checks: Sequence[Check], words: Words) -> str:
    """What was found, a line each, and below it what to do."""
    lines = []
    for check in checks:
        told = describe_check(check, words)
        status = words(f"checks.statuses.{told.status}")
        lines.append(
            f"{set_cell_size(status, 4)}  {words(f'checks.{told.name}.name')}: {told.detail}"
        )
        lines += [f"    → {told.fix}"] * bool(told.fix)
    return "\n".join(lines)


def export_labels(words: Words) -> Labels:
    """The words around an exported document."""
    return Labels(**{field.name: words(f"labels.{field.name}") for field in fields(Labels)})


def _told(fact: object) -> str:
    """A fact fit for a stranger's eyes: on one line, not endless, no folders, no passwords."""
    text = ", ".join(map(str, fact)) if isinstance(fact, tuple) else str(fact)
    text = _LOGIN.sub("", _FOLDERS.sub("", one_line(text)))
    return shorten(text, FACT_CHARACTERS)


def _questions(questions: Sequence[str], words: Words) -> Iterator[str]:
    if questions:
        numbered = [f"{n}. {one_line(question)}" for n, question in enumerate(questions, 1)]
        yield "\n".join([words("labels.questions"), *numbered])


def engine_words(engine: str, words: Words) -> str:
    extractive = engine == "extractive"
    return words("engines.extractive") if extractive else words("engines.model", engine=engine)


def note_words(notes: Sequence[str], words: Words) -> list[str]:
    return [words(f"notes.{note}") for note in notes]
