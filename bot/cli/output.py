"""The output of a command: text on a terminal, or one JSON object a line.

Results go to standard output; progress, hints and errors go to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from bot.cli import json_events
from bot.cli.job_views import JobLines, JobTable, ShowJobs
from bot.rendering.checks import describe_check, render_checks
from bot.rendering.jobs import render_failed, render_jobs
from bot.rendering.phrases import render_progress
from bot.rendering.terminal import (
    render_answer,
    render_error,
    render_hits,
    render_proof,
    render_ready,
    render_videos,
)
from bot.words import Words
from core.model import (
    Answer,
    Check,
    EndedJob,
    Job,
    Progress,
    Proof,
    Ready,
    SearchResult,
    Stage,
    Video,
)
from core.text.display import one_line, printable

if TYPE_CHECKING:  # importing numpy takes too long for --help
    from core.ports import ProgressCallback

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_DESCRIPTION = TextColumn("{task.description}", markup=False)


class Output(Protocol):
    """Where commands send their results."""

    def progress(self) -> AbstractContextManager[ProgressCallback]: ...
    def ready(self, ready: Ready) -> None: ...
    def question(self, text: str) -> None: ...
    def text(self, delta: str) -> None: ...
    def answer(self, answer: Answer, titles: Mapping[str, str]) -> None: ...
    def proof(self, proof: Proof) -> None: ...
    def hits(self, query: str, result: SearchResult) -> None: ...
    def videos(self, videos: Sequence[Video], pinned: Collection[str]) -> None: ...
    def jobs(self, jobs: Sequence[Job]) -> None: ...
    def watching(self) -> AbstractContextManager[ShowJobs]: ...
    def failed(self, jobs: Sequence[EndedJob], titles: Mapping[str, str], days: int) -> None: ...
    def cancelled(self, job_id: str) -> None: ...
    def pinned(self, video: Video, *, pinned: bool) -> None: ...
    def forgotten(self, video_ids: Sequence[str]) -> None: ...
    def forgotten_person(self, questions: int) -> None: ...
    def backed_up(self, name: str, size: int) -> None: ...
    def restored(self, name: str, kept: str) -> None: ...
    def checks(self, checks: Sequence[Check]) -> None: ...
    def document(self, text: str) -> None: ...
    def hint(self, key: str, **facts: object) -> None: ...
    def error(self, error: Exception) -> None: ...


class JsonOutput:
    """For programs: every event is a line of JSON, including progress."""

    def __init__(self, words: Words) -> None:
        self._words = words

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        yield lambda progress: self._print(json_events.progress_event(progress))

    def ready(self, ready: Ready) -> None:
        self._print(json_events.ready_event(ready))

    def question(self, text: str) -> None:
        """Omitted: the answer event contains the question."""

    def text(self, delta: str) -> None:
        self._print(json_events.text_event(delta))

    def answer(self, answer: Answer, titles: Mapping[str, str]) -> None:
        """`titles`: omitted, like the video's. Ids name videos for programs."""
        self._print(json_events.answer_event(answer))

    def proof(self, proof: Proof) -> None:
        self._print(json_events.proof_event(proof))

    def hits(self, query: str, result: SearchResult) -> None:
        self._print(json_events.hits_event(query, result))

    def videos(self, videos: Sequence[Video], pinned: Collection[str]) -> None:
        self._print(json_events.videos_event(videos, pinned))

    def jobs(self, jobs: Sequence[Job]) -> None:
        self._print(json_events.jobs_event(jobs))

    @contextmanager
    def watching(self) -> Iterator[ShowJobs]:
        """A `jobs` event whenever it differs from the last, and an `ended` event for each end."""
        told: list[json_events.Event] = [{}]
        known: set[str] = set()

        def show(jobs: Sequence[Job], ended: Sequence[EndedJob]) -> None:
            for job in ended:
                if job.id not in known:
                    self._print(json_events.ended_event(job, self._words))
            known.clear()
            known.update(job.id for job in ended)
            if (event := json_events.jobs_event(jobs)) != told[0]:
                told[0] = event
                self._print(event)

        yield show

    def failed(self, jobs: Sequence[EndedJob], titles: Mapping[str, str], days: int) -> None:
        self._print(json_events.failed_event(jobs, self._words))

    def cancelled(self, job_id: str) -> None:
        self._print(json_events.cancelled_event(job_id))

    def pinned(self, video: Video, *, pinned: bool) -> None:
        self._print(json_events.pinned_event(video, pinned=pinned))

    def forgotten(self, video_ids: Sequence[str]) -> None:
        self._print(json_events.forgotten_event(video_ids))

    def forgotten_person(self, questions: int) -> None:
        self._print(json_events.forgotten_person_event(questions))

    def backed_up(self, name: str, size: int) -> None:
        self._print(json_events.backup_event(name, size))

    def restored(self, name: str, kept: str) -> None:
        self._print(json_events.restore_event(name, kept))

    def checks(self, checks: Sequence[Check]) -> None:
        self._print(json_events.checks_event(checks, self._words))

    def document(self, text: str) -> None:
        print(text, end="", flush=True)

    def hint(self, key: str, **facts: object) -> None:
        """Omitted: hints are for people."""

    def error(self, error: Exception) -> None:
        self._print(json_events.error_event(error, self._words))

    def _print(self, event: json_events.Event) -> None:
        print(json_events.line(event), flush=True)


class TextOutput:
    """For people."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._streamed = False

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        """A progress bar on a terminal, otherwise a line for each stage."""
        if not sys.stderr.isatty():
            yield _StageLines(self._words).show
            return
        console = Console(stderr=True)
        with Bars(BarColumn(), _DESCRIPTION, console=console, transient=True) as bars:
            yield _Bar(bars, self._words).show

    def ready(self, ready: Ready) -> None:
        self._print(render_ready(ready, self._words))

    def question(self, text: str) -> None:
        """Show a question that the user did not type."""
        self._print(f"> {one_line(text)}")

    def text(self, delta: str) -> None:
        print(printable(delta), end="", flush=True)
        self._streamed = True

    def answer(self, answer: Answer, titles: Mapping[str, str]) -> None:
        """`titles`: by video id, where readers can't tell which videos the answer is about."""
        print("\n" * 2 * self._streamed, end="")
        self._print(render_answer(answer, titles, self._words, streamed=self._streamed))
        self._streamed = False

    def proof(self, proof: Proof) -> None:
        self._print(render_proof(proof, self._words))

    def hits(self, query: str, result: SearchResult) -> None:
        self._print(render_hits(query, result, self._words))

    def videos(self, videos: Sequence[Video], pinned: Collection[str]) -> None:
        print(render_videos(videos, pinned, self._words))

    def jobs(self, jobs: Sequence[Job]) -> None:
        print(render_jobs(jobs, self._words))

    @contextmanager
    def watching(self) -> Iterator[ShowJobs]:
        """A table on a terminal, otherwise a line for each change."""
        if not sys.stdout.isatty():
            yield JobLines(self._words, lambda line: print(line, flush=True)).show
            return
        with Live(auto_refresh=False) as live:
            yield JobTable(live, self._words).show

    def failed(self, jobs: Sequence[EndedJob], titles: Mapping[str, str], days: int) -> None:
        print(render_failed(jobs, titles, days, self._words))

    def cancelled(self, job_id: str) -> None:
        print(self._words("jobs.cancelled", job=job_id))

    def pinned(self, video: Video, *, pinned: bool) -> None:
        key = "videos.pinned" if pinned else "videos.unpinned"
        print(self._words(key, title=one_line(video.title or video.id)))

    def forgotten(self, video_ids: Sequence[str]) -> None:
        print(self._words("videos.forgotten", count=len(video_ids)))

    def forgotten_person(self, questions: int) -> None:
        print(self._words("videos.forgotten_person", count=questions))

    def backed_up(self, name: str, size: int) -> None:
        megabytes = f"{size / 1e6:.1f}"
        print(self._words("backup.written", name=one_line(name), megabytes=megabytes))

    def restored(self, name: str, kept: str) -> None:
        key = "backup.restored" if kept else "backup.restored_anew"
        print(self._words(key, name=one_line(name), kept=kept))

    def checks(self, checks: Sequence[Check]) -> None:
        """A table on a terminal, otherwise lines."""
        if sys.stdout.isatty():
            Console().print(_table(checks, self._words))
        else:
            print(render_checks(checks, self._words))

    def document(self, text: str) -> None:
        print(text, end="", flush=True)

    def hint(self, key: str, **facts: object) -> None:
        print(self._words(key, **facts), file=sys.stderr)

    def error(self, error: Exception) -> None:
        print("\n" * self._streamed + render_error(error, self._words), file=sys.stderr)
        self._streamed = False

    def _print(self, text: str) -> None:
        print(text, end="\n\n", flush=True)


def _table(checks: Sequence[Check], words: Words) -> Table:
    table = Table.grid(padding=(0, 2))
    for check in checks:
        text = describe_check(check, words)
        status = Text(words(f"checks.statuses.{text.status}"), _COLOURS[check.status])
        found = Text(text.detail)
        if text.fix:
            found.append(f"\n→ {text.fix}", "bold")
        table.add_row(status, Text(words(f"checks.{text.name}.name")), found)
    return table


class _StageLines:
    """Progress without a terminal: one line when a stage begins, and one for a note."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._stage: Stage | None = None
        self._note = ""

    def show(self, progress: Progress) -> None:
        if progress.note and progress.note != self._note:
            self._print(f"notes.{progress.note}")
        if progress.stage != self._stage:
            self._print(f"stages.{progress.stage}", " …")
        self._stage, self._note = progress.stage, progress.note

    def _print(self, key: str, end: str = "") -> None:
        print(f"{self._words(key)}{end}", file=sys.stderr, flush=True)


class _Bar:
    """Progress on a terminal: one bar for the current stage."""

    def __init__(self, bars: Bars, words: Words) -> None:
        self._bars, self._words = bars, words
        self._task = bars.add_task("", total=None)

    def show(self, progress: Progress) -> None:
        self._bars.update(
            self._task,
            description=render_progress(progress, self._words),
            completed=progress.fraction,
            total=1.0 if progress.fraction else None,  # None: the bar pulses
        )
