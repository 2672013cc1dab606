"""Jobs while one watches: a table that is redrawn, or a line for each change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.live import Live
from rich.table import Table
from rich.text import Text

from bot.rendering.jobs import ended_text
from bot.rendering.phrases import render_progress
from bot.words import Words
from core.model import EndedJob, Job, Order
from core.text.display import one_line

ShowJobs = Callable[[Sequence[Job], Sequence[EndedJob]], None]
"""Called again and again with the unfinished jobs and those that ended lately."""

_ENDED_SHOWN = 5


class JobTable:
    """For a terminal."""

    def __init__(self, live: Live, words: Words) -> None:
        self._live, self._words = live, words

    def show(self, jobs: Sequence[Job], ended: Sequence[EndedJob]) -> None:
        table = Table.grid(padding=(0, 2))
        newest = sorted(ended, key=lambda job: job.ended_at)[-_ENDED_SHOWN:]
        for over in newest:
            table.add_row(*_cells(over.id, over.order), Text(ended_text(over, self._words), "dim"))
        for job in jobs:
            stage = "" if job.progress.stage == "wait" else "bold"
            progress = Text(render_progress(job.progress, self._words), stage)
            table.add_row(*_cells(job.id, job.order), progress)
        if not jobs:
            table.add_row(Text(self._words("jobs.none")))
        self._live.update(table, refresh=True)


class JobLines:
    """Without a terminal: a line when a job comes, when its stage changes, and when it ends."""

    def __init__(self, words: Words, say: Callable[[str], None]) -> None:
        self._words, self._say = words, say
        self._stages: dict[str, str] = {}
        self._ended: set[str] = set()

    def show(self, jobs: Sequence[Job], ended: Sequence[EndedJob]) -> None:
        for over in ended:
            if over.id not in self._ended:
                self._line(over.id, over.order, ended_text(over, self._words))
        for job in jobs:
            if self._stages.get(job.id) != job.progress.stage:
                stage = self._words(f"stages.{job.progress.stage}")
                self._line(job.id, job.order, stage)
        self._ended = {over.id for over in ended}
        self._stages = {job.id: job.progress.stage for job in jobs}

    def _line(self, job_id: str, order: Order, text: str) -> None:
        now = f"{datetime.now():%H:%M:%S}"
        self._say("  ".join([now, job_id, order.video_id, one_line(order.channel), text]))


def _cells(job_id: str, order: Order) -> tuple[Text, Text, Text]:
    return Text(job_id), Text(order.video_id), Text(one_line(order.channel))
