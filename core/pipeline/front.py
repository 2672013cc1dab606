"""This file is the core's front: a source becomes a video one can question, then is asked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import get_args

from core.answers.suggested_questions import follow_up
from core.config import Language
from core.errors import EmptyQuestion, NothingToAsk, UnknownVideo
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


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The core's two verbs, `ingest` and `answer`, and what belongs to them."""

    videos: Videos
    library: Library
    threads: Threads
    ingesting: Ingest
    jobs: Callable[[], Awaitable[Jobs]]
    """What can wait for a kill and a restart. It is opened when it is first asked for."""
    indexer: Indexer
    retriever: Retriever
    engine: Engine
    language: Language
    clock: Clock = time.monotonic

    async def ingest(
        self,
        source: Source,
        channel: str,
        on_progress: ProgressCallback,
        language: str | None = None,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> Ready:
        """The video, heard, summed up in `language` and indexed for the channel: at once where it
        is at hand, else by a job. The job outlives whoever waits for it, unless it is `unwanted`
        at that moment. Raises any CoreError."""
        ready, order = await self.order(source, channel, language)
        if ready:
            return ready
        job_id = await self.submit(order)
        try:
            async with aclosing(self.stages(job_id)) as stages:
                async for progress in stages:
                    on_progress(progress)
            return await self.outcome(job_id)
        except asyncio.CancelledError:
            if unwanted():
                await self.cancel(job_id)
            raise

    async def order(
        self, source: Source, channel: str, language: str | None = None
    ) -> tuple[Ready | None, Order]:
        """The video, where it is at hand, and what is to be done where it is not."""
        order = await self.ingesting.order(source, channel, language or self.language)
        return await self.ingesting.at_hand(order), order

    async def submit(self, order: Order) -> str:
        """The job's id."""
        return await (await self.jobs()).submit(order)

    async def stages(self, job_id: str) -> AsyncGenerator[Progress]:
        """How far the job is, until it is over. Raises UnknownJob."""
        async with aclosing((await self.jobs()).watch(job_id)) as stages:
            async for progress in stages:
                yield progress

    async def outcome(self, job_id: str) -> Ready:
        """What the job comes to, also one that another process works on or has ended.

        Raises what it failed with, JobCancelled, UnknownJob; UnknownVideo if it was forgotten."""
        return await self.ingesting.ready(*await (await self.jobs()).outcome(job_id))

    async def pending(self, channel: str | None = None) -> list[Job]:
        """The jobs of the channel, or all, that are not over; oldest first."""
        return await (await self.jobs()).pending(channel)

    async def cancel(self, job_id: str) -> None:
        """The job stops within 2 s. Raises UnknownJob, also where it is over."""
        await (await self.jobs()).cancel(job_id)

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
        watch = Stopwatch(self.clock)
        question = _said(question)
        video = await self._scope(channel, video_id)
        turns = await self.threads.turns(channel, thread, TURNS)
        model = await self.engine.now()
        passages, notes = await self._passages(question, channel, video, model, watch, on_progress)
        ready = await self._suggestions(video)
        language = "ko" if _HANGUL.search(question) else self.language
        stream = self.engine.answer(model, question, passages, turns, ready, language)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    watch.text()
                    yield piece
                    continue
                done = replace(piece, notes=notes + piece.notes, timings=watch.timings())
                about = list(dict.fromkeys(passage.video.id for passage in passages))
                await self.threads.add(channel, thread, Turn(question, done), about)
                yield done

    async def search(self, query: str, channel: str, limit: int) -> list[tuple[Hit, Video]]:
        """The channel's best chunks for the words. Raises EmptyQuestion, NothingToAsk."""
        query = _said(query)
        video = await self._scope(channel, None)
        only = video.id if video else None
        by_vector = await self.retriever.load_embedder(channel, only)
        hits, _ = await self.retriever.hits(query, channel, only, limit, by_vector=by_vector)
        ids = list({hit.chunk.video_id for hit in hits})
        by_id = {video.id: video for video in await self.library.get_many(channel, ids)}
        return [(hit, by_id[hit.chunk.video_id]) for hit in hits if hit.chunk.video_id in by_id]

    async def video(self, channel: str, video_id: str) -> Video:
        """One video of the channel. Raises UnknownVideo, also if only other channels know it."""
        if video := await self.library.get(channel, video_id):
            return video
        raise UnknownVideo(video_id)

    async def newest(self, channel: str, count: int = 1) -> list[Video]:
        """The channel's `count` newest videos, fewer if it knows fewer. Raises NothingToAsk."""
        if videos := await self.library.page(channel, count):
            return videos
        raise NothingToAsk(channel)

    async def more_questions(self, channel: str, video_id: str, thread: str) -> tuple[str, ...]:
        """Three about the video that were neither suggested nor asked in the thread. Raises
        UnknownVideo."""
        video = await self.video(channel, video_id)
        transcript = await self.videos.transcript(video_id)
        if transcript is None:
            raise UnknownVideo(video_id)
        turns = await self.threads.turns(channel, thread, MOST_TURNS)
        asked = [question for turn in turns for question in (turn.question, *turn.answer.questions)]
        if summary := await self.summary(video_id):
            asked += summary.questions
        whole = [Passage(video, transcript.segments)]
        return await asyncio.to_thread(follow_up, "", whole, asked, (), transcript.language)

    async def summary(self, video_id: str) -> Summary | None:
        """The stored one that serves best: in the program's language first."""
        languages = (self.language, *get_args(Language))
        for recipe in (*map(self.engine.recipe, languages), EXTRACTIVE):
            if found := await self.videos.summary(video_id, recipe):
                return found
        return None

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Takes one video, or all, from the channel, with what is said about it there.

        What no other channel uses is deleted, what is being taken in is stopped. The ids taken.
        Raises UnknownVideo."""
        stopped = await self._stop(channel, video_id)
        gone = await self.library.forget(channel, video_id)
        if video_id is not None and not (gone or stopped):
            raise UnknownVideo(video_id)
        await self.indexer.drop(channel, None if video_id is None else gone)
        return list(dict.fromkeys([*gone, *stopped]))

    async def _stop(self, channel: str, video_id: str | None) -> list[str]:
        """Forgets the channel's jobs for one video, or all. The ids of what was being taken in."""
        jobs = await self.jobs()
        if stopped := await jobs.forget(channel, video_id):
            wanted = {job.order.video_id for job in await jobs.pending()}
            for stopped_id in set(stopped) - wanted:  # what is begun serves who still waits for it
                await self.ingesting.forget(stopped_id)
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
        transcript = await self.videos.transcript(video.id) if video else None
        whole = Passage(video, transcript.segments) if video and transcript else None
        if whole and self.engine.reads_whole(model, whole):
            by_word = not model and not await self.retriever.has_vectors(channel, video_id)
            return [whole], ("keyword_only",) * by_word
        on_progress(Progress("load"))
        with watch.loading():
            by_vector = await self.retriever.load_embedder(channel, video_id)
        with watch.retrieving():
            return await self.retriever.passages(
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
