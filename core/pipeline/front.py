"""The core's front: ingest a source into a video that can be questioned, and answer questions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime

from core.config import Language
from core.errors import NothingToAsk, UnknownJob, UnknownVideo
from core.model import (
    ANYBODY,
    Answer,
    Asker,
    EndedJob,
    Job,
    Order,
    Progress,
    Proof,
    Ready,
    SearchResult,
    Summary,
    Transcript,
    Turn,
    Video,
)
from core.pipeline.engine import Engine
from core.pipeline.ingest import Ingest
from core.pipeline.proof import ProofFinder
from core.pipeline.questions import Questions
from core.ports import Clock, Copies, Jobs, Library, ProgressCallback, Threads, Videos, WorkerState
from core.search.indexing import Indexer
from core.search.nearness import Background
from core.search.places import PlaceFinder
from core.search.retriever import Retriever
from core.sources import Source


class Pipeline:
    """The core's front, for `bot`: ingest a source, answer questions, and what belongs to these."""

    def __init__(  # noqa: PLR0913  (keywords, called by the composition root)
        self,
        *,
        videos: Videos,
        library: Library,
        threads: Threads,
        ingest: Ingest,
        jobs: Callable[[], Awaitable[Jobs]],
        indexer: Indexer,
        retriever: Retriever,
        engine: Engine,
        language: Language,
        clock: Clock = time.monotonic,
        copies: Copies | None = None,
    ) -> None:
        """`jobs`: opens them at the first call; importing DBOS takes 0.8 s. `copies`: None for a
        store that nothing here copies."""
        self._videos, self._library, self._threads = videos, library, threads
        self._ingest, self._jobs, self._copies = ingest, jobs, copies
        self._indexer, self._engine, self._language = indexer, engine, language
        self._proof_finder = ProofFinder(videos, library, threads)
        places = PlaceFinder(retriever.chunks, Background(retriever.embedder))
        self._questions = Questions(
            videos, library, threads, retriever, places, engine, language, clock
        )

    async def start_jobs(self) -> None:
        """Open the jobs now instead of at first use, so that this process works on them."""
        await self._jobs()

    async def ingest(
        self,
        source: Source,
        channel: str,
        language: str | None = None,
        is_unwanted: Callable[[], bool] = lambda: False,
    ) -> AsyncGenerator[Progress | Ready]:
        """Transcribe, summarise in `language` and index the video for the channel: yield Progress,
        then Ready. A video that is ready already yields only Ready.

        The job goes on when the caller stops reading, unless `is_unwanted()` then: it is cancelled.
        Raises any CoreError."""
        ready, order = await self.find_ready(source, channel, language)
        if ready:
            yield ready
            return
        job_id = await self.submit(order)
        try:
            async with aclosing(self.resume(job_id)) as events:
                async for event in events:
                    yield event
        except (asyncio.CancelledError, GeneratorExit):
            if is_unwanted():
                with suppress(UnknownJob):  # it has ended meanwhile
                    await self.cancel(job_id)
            raise

    async def find_ready(
        self, source: Source, channel: str, language: str | None = None
    ) -> tuple[Ready | None, Order]:
        """The video if nothing has to be done for it, added to the channel; and the order to submit
        if something has. Raises FileEmpty, NotMedia."""
        order = await self._ingest.order(source, channel, language or self._language)
        return await self._ingest.find_ready(order), order

    async def fulfil(self, order: Order) -> AsyncGenerator[Progress | Ready]:
        """Yield the Progress of an order, then Ready; only Ready if nothing has to be done for it.
        Raises as `resume`."""
        if ready := await self._ingest.find_ready(order):
            yield ready
            return
        async with aclosing(self.resume(await self.submit(order))) as events:
            async for event in events:
                yield event

    async def submit(self, order: Order) -> str:
        """Return the job's id, for `resume`."""
        return await (await self._jobs()).submit(order)

    async def resume(self, job_id: str) -> AsyncGenerator[Progress | Ready]:
        """Yield the job's Progress until it is over, then Ready, whichever process works on it and
        also after a restart.

        Raises what it failed with, JobCancelled, UnknownJob; UnknownVideo if it was forgotten."""
        jobs = await self._jobs()
        async with aclosing(jobs.watch(job_id)) as stages:
            async for progress in stages:
                yield progress
        yield await self._ingest.ready(*await jobs.outcome(job_id))

    async def stored_video(self, channel: str, video_id: str) -> Video | None:
        """The video as the channel knows it; else, also while it is being ingested, as it is stored
        for all channels."""
        known = await self._library.get(channel, video_id)
        return known or await self._videos.get(video_id)

    async def transcript(self, video_id: str) -> Transcript | None:
        return await self._videos.transcript(video_id)

    async def turns(self, channel: str, thread: str, limit: int) -> list[Turn]:
        """The last questions and answers of the conversation, oldest first."""
        return await self._threads.turns(channel, thread, limit)

    async def proof(self, channel: str, thread: str, question: str = "") -> Proof | None:
        """The places behind the conversation's newest answer, or its newest to `question`, in the
        speaker's words. None if no answer cites any."""
        return await self._proof_finder.find(channel, thread, question)

    async def has_language_model(self) -> bool:
        """Whether a model is wanted and answers. Raises what is wrong with one that is required."""
        return await self._engine.model_for_answer() is not None

    async def pending(self, channel: str | None = None) -> list[Job]:
        """The unfinished jobs of the channel, or of all channels; oldest first."""
        return await (await self._jobs()).pending(channel)

    async def ended_jobs(self, since: datetime) -> list[EndedJob]:
        """The jobs of all channels that ended since then. See Jobs.ended."""
        return await (await self._jobs()).ended(since)

    async def worker(self) -> WorkerState:
        """Who works on jobs. See Jobs.worker."""
        return (await self._jobs()).worker()

    async def cancel(self, job_id: str) -> None:
        """Stop the job within 2 s. Raises UnknownJob, also if it has ended."""
        await (await self._jobs()).cancel(job_id)

    def answer(
        self,
        question: str,
        channel: str,
        video_id: str | None,
        thread: str,
        on_progress: ProgressCallback,
        asker: Asker = ANYBODY,
    ) -> AsyncGenerator[str | Answer]:
        """Yield the answer's text piece by piece, then the Answer, which the thread stores.

        Asks about one video, or about all of the channel where `video_id` is None. Answers in the
        question's language; where the question has none ("OK?") in the asker's, else
        in the configured one. Raises EmptyQuestion, NothingToAsk, UnknownVideo,
        QuestionForgotten, and what the engine raises."""
        return self._questions.answer(question, channel, video_id, thread, on_progress, asker)

    async def search(self, query: str, channel: str, limit: int) -> SearchResult:
        """At most `limit` sentences of the channel that say the query's words, and as many near it
        in meaning. Raises EmptyQuestion, NothingToAsk."""
        return await self._questions.search(query, channel, limit)

    async def more_questions(
        self, channel: str, video_id: str, thread: str, language: str = ""
    ) -> tuple[str, ...]:
        """Three questions about the video that were neither suggested nor asked in the thread, in
        `language`, else in the configured one. Raises UnknownVideo."""
        return await self._questions.more_questions(channel, video_id, thread, language)

    async def summary(self, video_id: str) -> Summary | None:
        """The best stored summary: in the program's language first."""
        return await self._questions.summary(video_id)

    async def video(self, channel: str, video_id: str) -> Video:
        """One video of the channel. Raises UnknownVideo, also if only other channels know it."""
        if video := await self._library.get(channel, video_id):
            return video
        raise UnknownVideo(video_id)

    async def knows(self, channel: str, video_id: str) -> bool:
        return await self._library.get(channel, video_id) is not None

    async def videos(self, channel: str) -> list[Video]:
        """All the channel's videos, newest first: slow in a large channel."""
        return await self._library.videos(channel)

    async def videos_by_id(self, channel: str, video_ids: Sequence[str]) -> list[Video]:
        """Those of the videos that the channel knows, newest first."""
        return await self._library.get_many(channel, video_ids)

    async def count_videos(self, channel: str) -> int:
        return await self._library.count(channel)

    async def page_of_videos(self, channel: str, limit: int, offset: int) -> list[Video]:
        """At most `limit` videos, newest first, without the `offset` newest."""
        return await self._library.page(channel, limit, offset)

    async def find_titles(
        self, channel: str, typed: str, limit: int, *, whole: bool = False
    ) -> dict[str, str]:
        """Video id → title. See Library.find."""
        return await self._library.find(channel, typed, limit, whole=whole)

    async def newest(self, channel: str, count: int = 1) -> list[Video]:
        """The channel's `count` newest videos, fewer if it knows fewer. Raises NothingToAsk."""
        if videos := await self._library.page(channel, count):
            return videos
        raise NothingToAsk(channel)

    async def pin(self, channel: str, video_id: str, *, pinned: bool) -> Video:
        """Let the video stay when it is old, or no longer. Returns it. Raises UnknownVideo."""
        await self._library.pin(channel, video_id, pinned=pinned)
        return await self.video(channel, video_id)

    async def pinned(self, channel: str, video_ids: Sequence[str]) -> set[str]:
        """Those of the videos that the channel has pinned."""
        return await self._library.pinned(channel, video_ids)

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Remove one video, or all, from the channel, with their conversations and jobs.

        Data that no other channel uses is deleted. Returns the ids removed. Raises UnknownVideo."""
        stopped = await self._stop(channel, video_id)
        gone = await self._library.forget(channel, video_id)
        if video_id is not None and not (gone or stopped):
            raise UnknownVideo(video_id)
        await self._indexer.drop(channel, None if video_id is None else gone)
        return list(dict.fromkeys([*gone, *stopped]))

    async def forget_person(self, platform: str, person: str) -> int:
        """Delete what the person has asked. Returns the number of questions. See Threads.forget."""
        return await self._threads.forget(platform, person)

    @property
    def has_copies(self) -> bool:
        """Whether automatic copies of the store hold what is forgotten, for up to an hour."""
        return bool(self._copies and self._copies.count())

    async def replace_copies(self) -> bool:
        """Replace them now. Only where no process keeps them up to date. See Copies.replace."""
        return self._copies is not None and await self._copies.replace()

    async def check_caches(self) -> None:
        """Drop now what other processes have forgotten. See Caches.check."""
        await self._indexer.caches.check()

    async def _stop(self, channel: str, video_id: str | None) -> list[str]:
        """Forget the channel's jobs for one video, or all. Returns the ids of unfinished videos."""
        jobs = await self._jobs()
        if stopped := await jobs.forget(channel, video_id):
            wanted = {job.order.video_id for job in await jobs.pending()}
            for stopped_id in set(stopped) - wanted:  # others still wait for them
                await self._ingest.forget(stopped_id)
        return stopped
