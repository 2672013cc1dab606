"""A process that runs jobs with the real store, jobs and steps. Its transcriber, language model and
YouTube are fakes that journal their calls outside the store."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import alembic.command  # noqa: F401  (imported before the fork, so no process pays for it)
from dbos import DBOS

from core.backends.storage.database import engine_for_jobs
from core.backends.storage.store import Store, open_store, sqlite_url
from core.backends.subtitles import read_subtitles
from core.config import Limits, Speech
from core.errors import CoreError
from core.jobs.durable_jobs import DurableJobs, open_jobs
from core.jobs.workflows import MAX_RECOVERY_ATTEMPTS, running
from core.model import Order, Progress, Segment, SpeechCompute, Video, Window
from core.pipeline.engine import Engine
from core.pipeline.ingest import Ingest, Step
from core.ports import ProgressCallback, Prompt
from core.search.caches import Caches, Notes
from core.search.indexing import Indexer
from core.sources import File, Link, Source
from core.transcription.transcript_maker import TranscriptMaker
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.indexes import FakeEmbedder, FakeKeywordIndex, FakeVectorIndex
from tests.fakes.language_model import ScriptedModel
from tests.harness.commit_kills import Commits, Point

STORE, JOURNAL, LOCK = "tubethread.db", "journal", "worker.lock"
WINDOWS, OF_A_WINDOW = 6, 20
VIDEO = Video("beesbeesbee", "How bees dance", "The Hive", 7.5 * WINDOWS * OF_A_WINDOW)
SAID = tuple(
    Segment(7.5 * n, 7.5 * n + 7, f"Here the speaker says that number {n} of the bees is famous.")
    for n in range(WINDOWS * OF_A_WINDOW)
)
_PART_S = 0.01
"""Time to read one part."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """A video that a channel orders. `what`: a video id, or the name of a file in the folder."""

    channel: str
    what: str = VIDEO.id
    language: str = "en"

    def source(self, folder: Path) -> Source:
        return File(folder / self.what) if "." in self.what else Link(self.what)


class Journal:
    """An append-only log that survives the process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL

    def write(self, event: str, **facts: object) -> None:
        line = json.dumps({"event": event, "life": os.getpid(), **facts}) + "\n"
        file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        try:
            os.write(file, line.encode())
            os.fsync(file)
        finally:
            os.close(file)

    def events(self, event: str | None = None) -> list[Event]:
        """All events, or those of one kind."""
        lines = self._path.read_text().splitlines() if self._path.exists() else ()
        return [told for told in map(json.loads, lines) if event in (None, told["event"])]


class JournalledTranscriber:
    """`Transcriber` that yields WINDOWS windows and journals each."""

    def __init__(self, journal: Journal, window_s: float) -> None:
        self._journal, self._window_s = journal, window_s

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> AsyncIterator[Window]:
        yield Window(0.0, VIDEO.duration_s)
        for n in range(WINDOWS):
            said = SAID[n * OF_A_WINDOW : (n + 1) * OF_A_WINDOW]
            if said[-1].end_s <= from_s:
                continue
            self._journal.write("hears", of=[audio.stem, n])
            await asyncio.sleep(self._window_s)
            yield Window(said[-1].end_s, VIDEO.duration_s, "en", said)

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        return compute


class JournalledFetcher(FakeFetcher):
    def __init__(self, journal: Journal) -> None:
        super().__init__(VIDEO)
        self._journal = journal

    def _begin(self, method: str) -> None:
        self._journal.write("fetches", method=method)
        super()._begin(method)


class JournalledModel(ScriptedModel):
    """Model whose context is so small that the video is read in parts."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(_notes, num_ctx=2048)
        self._journal = journal

    async def complete(self, prompt: Prompt, **asked: Any) -> str:
        self._journal.write("reads", of=[message.text for message in prompt])
        await asyncio.sleep(_PART_S)
        return await super().complete(prompt, **asked)


class JournalledIngest:
    """`Ingest` that journals the begin and end of every step."""

    def __init__(
        self, ingest: Ingest, journal: Journal, commits: Commits, names: Mapping[str, str]
    ) -> None:
        self._ingest, self._journal, self._names = ingest, journal, names
        self._commits = commits
        self.order, self.discard, self.purge_expired = (
            ingest.order,
            ingest.discard,
            ingest.purge_expired,
        )

    @property
    def steps(self) -> tuple[tuple[str, Step], ...]:
        return tuple(
            (self._names.get(name, name), partial(self._do, name, step))
            for name, step in self._ingest.steps
        )

    async def add(self, order: Order) -> Notes:
        return await self._do("add", lambda order, _: self._ingest.add(order), order, _silent)

    async def _do(
        self, name: str, step: Step, order: Order, on_progress: ProgressCallback
    ) -> Notes:
        facts = {"step": name, "workflow": DBOS.workflow_id}
        self._journal.write("begins", **facts)
        self._commits.place = f"in {name}:"
        notes = await step(order, on_progress)
        self._commits.place = f"after {name}:"
        self._journal.write("ends", **facts)
        return notes


@dataclass(frozen=True)
class Life:
    """One process from start to end, or until the `fatal` commit."""

    folder: Path
    wishes: Sequence[Wish]
    fatal: Point | None = None
    window_s: float = 0.01
    names: Mapping[str, str] = field(default_factory=dict)
    """Today's step names → the names that this release used."""
    recovery_attempts: int = MAX_RECOVERY_ATTEMPTS

    def live(self) -> None:
        """Run until every job is over or SIGTERM arrives, and journal the outcomes."""
        logging.basicConfig(filename=self.folder / "log", level=logging.INFO)
        commits = Commits(self.fatal)
        commits.watch()
        journal = Journal(self.folder)
        journal.write("lives")
        with suppress(asyncio.CancelledError):
            asyncio.run(self._work(journal, commits))
        journal.write("dies", commits=commits.seen)

    async def _work(self, journal: Journal, commits: Commits) -> None:
        working = asyncio.current_task()
        assert working
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
        async with open_store(sqlite_url(self.folder / STORE)) as store:
            ingest = JournalledIngest(self._ingest(store, journal), journal, commits, self.names)
            url = f"sqlite:///{self.folder / STORE}"
            run = partial(running, url, "here", 1, ingest, recovery_attempts=self.recovery_attempts)
            async with open_jobs(
                url, engine_for_jobs(url), ingest, run, self.folder / LOCK
            ) as jobs:
                await self._order(jobs, ingest, journal)
                ordered = journal.events("ordered")
                journal.write("watches")
                await asyncio.gather(*(_watch(jobs, told["job"], journal) for told in ordered))

    async def _order(self, jobs: DurableJobs, ingest: JournalledIngest, journal: Journal) -> None:
        """Submit the orders that no earlier process submitted."""
        known = {told["job"] for told in journal.events("ordered")}
        for job in await jobs.pending():
            if job.id not in known:
                journal.write("ordered", job=job.id, order=asdict(job.order))
        done = {told["order"]["channel"] for told in journal.events("ordered")}
        for wish in self.wishes:
            if wish.channel not in done:
                order = await ingest.order(wish.source(self.folder), wish.channel, wish.language)
                job = await jobs.submit(order)
                journal.write("ordered", job=job, order=asdict(order))

    def _ingest(self, store: Store, journal: Journal) -> Ingest:
        fetcher, embedder = JournalledFetcher(journal), FakeEmbedder()
        caches = Caches(
            store.library, store.chunks, embedder, FakeVectorIndex(), FakeKeywordIndex()
        )
        return Ingest(
            videos=store.videos,
            library=store.library,
            checkpoints=store.checkpoints,
            fetcher=fetcher,
            transcript_maker=TranscriptMaker(
                fetcher,
                JournalledTranscriber(journal, self.window_s),
                read_subtitles,
                self.folder,
                Speech(),
                Limits(),
                store.checkpoints,
            ),
            indexer=Indexer(store.chunks, store.library, embedder, caches),
            engine=Engine(
                JournalledModel(journal),
                _check,
                insist=True,
                max_answer_tokens=512,
                checkpoints=store.checkpoints,
            ),
        )


async def _watch(jobs: DurableJobs, job: str, journal: Journal) -> None:
    stages = [progress.stage async for progress in jobs.watch(job)]
    try:
        order, notes = await jobs.outcome(job)
    except CoreError as error:
        journal.write("outcome", job=job, stages=stages, error=error.code)
    else:
        journal.write("outcome", job=job, stages=stages, notes=notes, order=asdict(order))


async def _check() -> None:
    pass


def _silent(progress: Progress) -> None:
    pass


def _notes(prompt: Prompt) -> dict[str, object]:
    lines = [line for line in prompt[1].text.splitlines() if line.startswith("[")]
    said = [(int(line[1 : line.index("]")]), line.partition("] ")[2]) for line in lines]
    points = [{"text": text[-80:], "segment": n} for n, text in (*said[:2], said[-1])]
    chapters = [{"title": f"From {points[0]['text'][:40]}", "segment": said[0][0]}]
    if "in Korean" in prompt[-1].text:  # in English they would be asked for again
        points = [{"text": f"{n}번 벌은 유명하다.", "segment": n} for n, _ in (*said[:2], said[-1])]
        chapters[0]["title"] = "벌 이야기"
    return {"topic": "Bees", "points": points, "chapters": chapters}
