"""Build the core from fakes: real pipeline steps, everything in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.backends.bm25 import Bm25
from core.config import Limits, Speech
from core.errors import CoreError
from core.model import Answer, Asker, Progress, Ready, Segment, Subtitles, Video
from core.pipeline.engine import Engine
from core.pipeline.front import Pipeline
from core.pipeline.ingest import Ingest
from core.ports import Jobs, LanguageModel, ProgressCallback
from core.search.caches import Caches
from core.search.indexing import Indexer
from core.search.retriever import Retriever
from core.transcription.transcript_maker import TranscriptMaker
from tests.fakes.copies import FakeCopies
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.indexes import FakeEmbedder, FakeKeywordIndex, FakeVectorIndex
from tests.fakes.jobs import FakeJobs
from tests.fakes.store import MemoryStore
from tests.fakes.transcriber import FakeTranscriber

BEES = Video("aaaaaaaaaaa", "How bees dance", "The Hive", 30.0)
VIDEOS = (BEES, replace(BEES, id="bbbbbbbbbbb"), replace(BEES, id="ccccccccccc"))
SAID = (
    Segment(0.0, 4.0, "Today we talk about bees."),
    Segment(5.0, 9.0, "The queen of the hive in Arden was found by Nora Lee."),
    Segment(10.0, 14.0, "A worker bee of Kelso visits ninety flowers."),
)


@dataclass
class FakeCore:
    """The fakes by name, for tests to inspect and break."""

    scratch: Path
    fetcher: FakeFetcher = field(default_factory=lambda: FakeFetcher(*VIDEOS))
    transcriber: FakeTranscriber = field(default_factory=lambda: FakeTranscriber(*SAID))
    store: MemoryStore = field(default_factory=MemoryStore)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    vectors: FakeVectorIndex = field(default_factory=FakeVectorIndex)
    keywords: FakeKeywordIndex = field(default_factory=FakeKeywordIndex)
    model: LanguageModel | None = None
    insist: bool = False
    away: CoreError | None = None
    """Raised when the language model's availability is checked."""
    copies: FakeCopies = field(default_factory=FakeCopies)
    jobs: FakeJobs | None = None
    """Jobs of the newest pipeline."""

    def pipeline(self) -> Pipeline:
        ingest = self.ingest()
        jobs = self.jobs = FakeJobs(ingest)

        async def open_jobs() -> FakeJobs:
            return jobs

        return self.front(ingest, open_jobs)

    def front(self, ingest: Ingest, jobs: Callable[[], Awaitable[Jobs]]) -> Pipeline:
        return Pipeline(
            videos=self.store.videos,
            library=self.store.library,
            threads=self.store.threads,
            ingest=ingest,
            jobs=jobs,
            indexer=ingest.indexer,
            retriever=Retriever(
                self.store.library,
                self.store.chunks,
                ingest.indexer.caches,
                self.embedder,
                Bm25(),
            ),
            engine=ingest.engine,
            language="en",
            copies=self.copies,
        )

    def ingest(self) -> Ingest:
        store = self.store
        caches = Caches(store.library, store.chunks, self.embedder, self.vectors, self.keywords)
        return Ingest(
            videos=store.videos,
            library=store.library,
            checkpoints=store.checkpoints,
            fetcher=self.fetcher,
            transcript_maker=TranscriptMaker(
                self.fetcher,
                self.transcriber,
                _no_subtitles,
                self.scratch,
                Speech(),
                Limits(),
                store.checkpoints,
            ),
            indexer=Indexer(store.chunks, store.library, self.embedder, caches),
            engine=Engine(self.model, self._check, self.insist, 512, store.checkpoints),
        )

    async def _check(self) -> None:
        if self.away:
            raise self.away


def silent(progress: object) -> None:
    """`ProgressCallback` that ignores its events."""


async def finish(
    events: AsyncGenerator[Progress | Ready], on_progress: ProgressCallback = silent
) -> Ready:
    """Read an ingest's stream to its end and return its `Ready`."""
    async with aclosing(events) as stream:
        async for event in stream:
            if isinstance(event, Ready):
                return event
            on_progress(event)
    raise AssertionError("the stream ends with a Ready")


async def ask(
    pipeline: Pipeline,
    question: str,
    channel: str = "hive",
    video_id: str | None = None,
    thread: str = "thread",
    on_progress: Callable[[object], None] = silent,
    language: str = "",
) -> Answer:
    """Ask a question; return the answer after checking that its streamed pieces equal its text."""
    stream = pipeline.answer(question, channel, video_id, thread, on_progress, Asker(language))
    pieces = [piece async for piece in stream]
    answer = pieces.pop()
    assert isinstance(answer, Answer)
    assert "".join(map(str, pieces)) == answer.text
    return answer


def _no_subtitles(path: Path) -> Subtitles:
    raise NotImplementedError
