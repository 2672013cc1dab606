"""Measure what durability costs: the writes of a one-hour video's job, ours beside those of
DBOS.

Transcription and the language model take no time in it. waiting_jobs.py measures waiting jobs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from statistics import median

from core.backends.storage.database import engine_for_jobs
from core.backends.storage.store import open_store, sqlite_url
from core.jobs.durable_jobs import open_jobs
from core.jobs.workflows import running
from core.model import Segment, SpeechCompute, Video, Window
from core.ports import Prompt
from core.sources import Link
from tests.bench import waiting_jobs
from tests.bench.figures import Row, percentile
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.jobs import FakeJobs
from tests.fakes.language_model import ScriptedModel
from tests.fakes.transcriber import SET, FakeTranscriber
from tests.harness.commit_kills import Commits
from tests.harness.fake_core import FakeCore

RUNS = 3
TRANSCRIBED_S = 60
"""Seconds that a GPU takes to transcribe an hour. Progress is written once a second."""
WINDOW_S, SEGMENT_S = 28.0, 4.0
HOUR = Video("videovideo0", "An hour", "The Hive", 3600.0)
SAID = tuple(
    Segment(s, s + SEGMENT_S - 0.5, f"Here the speaker says that number {s} of the bees is famous.")
    for s in (SEGMENT_S * n for n in range(int(HOUR.duration_s / SEGMENT_S)))
)
OURS, STEP, PROGRESS = (
    "pieces",
    "workflow_status operation_outputs",
    "workflow_events workflow_events_history workflow_status",
)
"""Commits by the tables that they write: a checkpoint, the end of a DBOS step, a progress event."""


class InstantTranscriber(FakeTranscriber):
    """Transcriber that returns an hour at once."""

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute = SET
    ) -> AsyncIterator[Window]:
        yield Window(0.0, HOUR.duration_s)
        of_a_window = int(WINDOW_S / SEGMENT_S)
        for first in range(0, len(SAID), of_a_window):
            said = SAID[first : first + of_a_window]
            yield Window(said[-1].end_s, HOUR.duration_s, "en", said)


def measure(folder: Path) -> list[Row]:
    (folder / "waiting").mkdir()
    waiting = asyncio.run(waiting_jobs.measure(folder / "waiting"))
    commits = Commits()
    commits.watch()
    runs = [asyncio.run(_measure(folder / str(n), commits)) for n in range(RUNS)]
    ours, theirs, progress = (commits.took_s[kind] for kind in (OURS, STEP, PROGRESS))
    p50_ms = [1000 * percentile(took_s, 0.5) for took_s in (ours, theirs, progress)]
    progress_s = TRANSCRIBED_S * p50_ms[2] / 1000
    note = f"with {progress_s:.2f} s of progress, if transcription takes {TRANSCRIBED_S} s"
    about = f"{len(ours) // RUNS} in an hour; {p50_ms[0] / p50_ms[1]:.2f} of DBOS's own"
    return [
        *waiting,
        Row("save a checkpoint, p50", p50_ms[0], "ms", 5, about),
        Row("DBOS saves the end of a step, p50", p50_ms[1], "ms"),
        Row("DBOS saves progress, once a second, p50", p50_ms[2], "ms"),
        Row("an hour's bookkeeping: writing", median(write_s for write_s, _ in runs), "s"),
        Row("an hour's bookkeeping: CPU", median(cpu_s for _, cpu_s in runs), "s"),
        Row("an hour's bookkeeping in all", median(map(sum, runs)) + progress_s, "s", 2, note),
    ]


async def _measure(folder: Path, commits: Commits) -> tuple[float, float]:
    """Return the seconds of a job's writes, and its CPU beyond that of the same job in memory."""
    folder.mkdir()
    world = FakeCore(folder, FakeFetcher(HOUR), InstantTranscriber(), model=ScriptedModel(_reply))
    order = await world.ingest().order(Link(HOUR.id), "bench", "en")
    begun_s = time.process_time()
    in_memory = FakeJobs(world.ingest())
    await in_memory.outcome(await in_memory.submit(order))
    in_memory_s = time.process_time() - begun_s

    async with open_store(sqlite_url(folder / "db")) as store:
        world.store = store
        ingest, url = world.ingest(), f"sqlite:///{folder / 'db'}"
        run = partial(running, url, "bench", 1, ingest)
        async with open_jobs(url, engine_for_jobs(url), ingest, run, folder / "lock") as jobs:
            written_s, begun_s = _written_s(commits), time.process_time()
            await jobs.outcome(await jobs.submit(order))
            cpu_s = time.process_time() - begun_s - in_memory_s
            return _written_s(commits) - written_s, max(cpu_s, 0)


def _reply(prompt: Prompt) -> dict[str, object]:
    """Return notes of a part, or a summary."""
    points = [{"text": f"Number {n} is famous.", "segment": n} for n in (1, 2)]
    return {"topic": "Bees", "points": points, "chapters": [{"title": "Bees", "segment": 1}]}


def _written_s(commits: Commits) -> float:
    return sum(map(sum, commits.took_s.values()))
