"""The core's front: ingest a source into a video that can be questioned, and answer questions."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import get_args

from core.answers.suggested_questions import follow_up
from core.config import Language
from core.errors import EmptyQuestion, NothingToAsk, UnknownJob, UnknownVideo
from core.model import (
    EXTRACTIVE,
    Answer,
    Hit,
    Job,
    Order,
    Passage,
    Progress,
    Ready,
    Summary,
    Transcript,
    Turn,
    Video,
)
from core.pipeline.engine import Engine
from core.pipeline.ingest import Ingest
from core.pipeline.timing import Stopwatch
from core.ports import Clock, Jobs, LanguageModel, Library, ProgressCallback, Threads, Videos
from core.search.indexing import Indexer
from core.search.retriever import Retriever
from core.sources import Source
from core.text.display import one_line

PASSAGES = 8
"""Chunks that are found for a question, about ten spoken minutes."""
TURNS = 6
"""How much of a conversation a question is understood by."""

MOST_TURNS = 1000
"""Of a conversation that is looked through."""

_HANGUL = re.compile("[가-힣]")


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
    ) -> None:
        """`jobs`: opens them at the first call; importing DBOS takes 0.8 s."""
        self._videos, self._library, self._threads = videos, library, threads
        self._ingest, self._jobs = ingest, jobs
        self._indexer, self._retriever, self._engine = indexer, retriever, engine
        self._language, self._clock = language, clock

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

    async def stored_video(self, video_id: str) -> Video | None:
        """The video, whichever channel knows it, and also while it is being ingested."""
        return await self._videos.get(video_id)

    async def transcript(self, video_id: str) -> Transcript | None:
        return await self._videos.transcript(video_id)

    async def turns(self, channel: str, thread: str, limit: int) -> list[Turn]:
        """The last questions and answers of the conversation, oldest first."""
        return await self._threads.turns(channel, thread, limit)

    async def has_language_model(self) -> bool:
        """Whether a model is wanted and answers. Raises what is wrong with one that is required."""
        return await self._engine.now() is not None

    async def pending(self, channel: str | None = None) -> list[Job]:
        """The jobs of the channel, or all, that are not over; oldest first."""
        return await (await self._jobs()).pending(channel)

    async def cancel(self, job_id: str) -> None:
        """The job stops within 2 s. Raises UnknownJob, also where it is over."""
        await (await self._jobs()).cancel(job_id)

    async def answer(
        self,
        question: str,
        channel: str,
        video_id: str | None,
        thread: str,
        on_progress: ProgressCallback,
    ) -> AsyncGenerator[str | Answer]:
        """The answer's text piece by piece, then the Answer, which the thread remembers.

        Asks one video, or, where `video_id` is None, all the channel knows. Raises EmptyQuestion,
        NothingToAsk, UnknownVideo, and what the engine raises."""
        watch = Stopwatch(self._clock)
        question = _said(question)
        video = await self._scope(channel, video_id)
        turns = await self._threads.turns(channel, thread, TURNS)
        model = await self._engine.now()
        passages, notes = await self._passages(question, channel, video, model, watch, on_progress)
        ready = await self._suggestions(video)
        language = "ko" if _HANGUL.search(question) else self._language
        stream = self._engine.answer(model, question, passages, turns, ready, language)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    watch.text()
                    yield piece
                    continue
                done = replace(piece, notes=notes + piece.notes, timings=watch.timings())
                about = list(dict.fromkeys(passage.video.id for passage in passages))
                await self._threads.add(channel, thread, Turn(question, done), about)
                yield done

    async def search(self, query: str, channel: str, limit: int) -> list[tuple[Hit, Video]]:
        """The channel's best chunks for the words. Raises EmptyQuestion, NothingToAsk."""
        query = _said(query)
        video = await self._scope(channel, None)
        only = video.id if video else None
        by_vector = await self._retriever.load_embedder(channel, only)
        hits, _ = await self._retriever.hits(query, channel, only, limit, by_vector=by_vector)
        ids = list({hit.chunk.video_id for hit in hits})
        by_id = {video.id: video for video in await self._library.get_many(channel, ids)}
        return [(hit, by_id[hit.chunk.video_id]) for hit in hits if hit.chunk.video_id in by_id]

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

    async def more_questions(self, channel: str, video_id: str, thread: str) -> tuple[str, ...]:
        """Three about the video that were neither suggested nor asked in the thread. Raises
        UnknownVideo."""
        video = await self.video(channel, video_id)
        transcript = await self._videos.transcript(video_id)
        if transcript is None:
            raise UnknownVideo(video_id)
        turns = await self._threads.turns(channel, thread, MOST_TURNS)
        asked = [question for turn in turns for question in (turn.question, *turn.answer.questions)]
        if summary := await self.summary(video_id):
            asked += summary.questions
        whole = [Passage(video, transcript.segments)]
        return await asyncio.to_thread(follow_up, "", whole, asked, (), transcript.language)

    async def summary(self, video_id: str) -> Summary | None:
        """The stored one that serves best: in the program's language first."""
        languages = (self._language, *get_args(Language))
        for recipe in (*map(self._engine.recipe, languages), EXTRACTIVE):
            if found := await self._videos.summary(video_id, recipe):
                return found
        return None

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Takes one video, or all, from the channel, with what is said about it there.

        What no other channel uses is deleted, what is being taken in is stopped. The ids taken.
        Raises UnknownVideo."""
        stopped = await self._stop(channel, video_id)
        gone = await self._library.forget(channel, video_id)
        if video_id is not None and not (gone or stopped):
            raise UnknownVideo(video_id)
        await self._indexer.drop(channel, None if video_id is None else gone)
        return list(dict.fromkeys([*gone, *stopped]))

    async def _stop(self, channel: str, video_id: str | None) -> list[str]:
        """Forgets the channel's jobs for one video, or all. The ids of what was being taken in."""
        jobs = await self._jobs()
        if stopped := await jobs.forget(channel, video_id):
            wanted = {job.order.video_id for job in await jobs.pending()}
            for stopped_id in set(stopped) - wanted:  # what is begun serves who still waits for it
                await self._ingest.forget(stopped_id)
        return stopped

    async def _scope(self, channel: str, video_id: str | None) -> Video | None:
        """The video asked about, which may be the channel's only one. None: all of the channel."""
        if video_id is not None:
            return await self.video(channel, video_id)
        videos = await self.newest(channel, 2)
        return videos[0] if len(videos) == 1 else None

    async def _passages(
        self,
        question: str,
        channel: str,
        video: Video | None,
        model: LanguageModel | None,
        watch: Stopwatch,
        on_progress: ProgressCallback,
    ) -> tuple[list[Passage], tuple[str, ...]]:
        """All of a video that can be read whole, else what is found for the question."""
        video_id = video.id if video else None
        transcript = await self._videos.transcript(video.id) if video else None
        whole = Passage(video, transcript.segments) if video and transcript else None
        if whole and self._engine.reads_whole(model, whole):
            by_word = not model and not await self._retriever.has_vectors(channel, video_id)
            return [whole], ("keyword_only",) * by_word
        on_progress(Progress("load"))
        with watch.loading():
            by_vector = await self._retriever.load_embedder(channel, video_id)
        with watch.retrieving():
            return await self._retriever.passages(
                question, channel, video_id, PASSAGES, by_vector=by_vector
            )

    async def _suggestions(self, video: Video | None) -> tuple[str, ...]:
        summary = await self.summary(video.id) if video else None
        return summary.questions if summary else ()


def _said(words: str) -> str:
    """On one line, without what no tokeniser takes. Raises EmptyQuestion if nothing is left."""
    if said := one_line(words):
        return said
    raise EmptyQuestion()
