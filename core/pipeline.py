"""This file is the order of the steps: a source becomes a video one can question, then is asked.

Each step looks into the store first, so nothing is done twice, whoever asks.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import get_args
from weakref import WeakValueDictionary

from core.config import Language
from core.engine import EXTRACTIVE, Engine
from core.errors import EmptyQuestion, NothingToAsk, UnknownVideo
from core.finding import Finder
from core.hearing import Hearing, notes_about
from core.indexing import Indexer
from core.model import (
    Answer,
    Hit,
    Passage,
    Progress,
    Ready,
    Summary,
    Transcript,
    Turn,
    Video,
)
from core.plain import one_line
from core.ports import Clock, Fetcher, LanguageModel, Library, Tell, Threads, Videos
from core.progress import with_eta
from core.sources import File, Source, file_video
from core.watch import Watch

PASSAGES = 8
"""Chunks that are found for a question, about ten spoken minutes."""
TURNS = 6
"""How much of a conversation a question is understood by."""

_HANGUL = re.compile("[가-힣]")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The core's two verbs, `ingest` and `answer`, and what belongs to them."""

    videos: Videos
    library: Library
    threads: Threads
    fetcher: Fetcher
    hearing: Hearing
    indexer: Indexer
    finder: Finder
    engine: Engine
    language: Language
    clock: Clock = time.monotonic
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def ingest(
        self, source: Source, channel: str, tell: Tell, language: str | None = None
    ) -> Ready:
        """The video, heard, summed up in `language` and indexed for the channel.

        Pasted by five people at once it is heard once. Raises any CoreError."""
        tell = with_eta(tell, self.clock)
        found = await _identify(source)
        async with self._lock(found.id):
            tell(Progress("resolve"))
            video = await self._resolve(source, found)
            video, transcript = await self._hear(source, video, tell)
            summary = await self._sum_up(video, transcript, language or self.language, tell)
            notes = await self.indexer.index(video, transcript, summary.chapters, tell)
            if video.id not in {known.id for known in await self.library.videos(channel)}:
                notes += await self.indexer.add(channel, video)
        notes += notes_about(video, transcript, self.hearing.speech)
        return Ready(video, transcript, summary, notes + self.engine.notes(summary.engine))

    async def answer(
        self, question: str, channel: str, video_id: str | None, thread: str, tell: Tell
    ) -> AsyncGenerator[str | Answer]:
        """The answer's text piece by piece, then the Answer, which the thread remembers.

        Asks one video, or, where `video_id` is None, all the channel knows. Raises EmptyQuestion,
        NothingToAsk, UnknownVideo, and what the engine raises."""
        watch = Watch(self.clock)
        question = _said(question)
        videos = await self.known(channel, video_id)
        turns = await self.threads.turns(channel, thread, TURNS)
        model = await self.engine.now()
        passages, notes = await self._passages(question, channel, videos, model, watch, tell)
        ready = await self._suggestions(videos)
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
        videos = await self.known(channel)
        by_vector = await self.finder.warm(videos)
        hits, _ = await self.finder.hits(query, channel, videos, limit, by_vector=by_vector)
        by_id = {video.id: video for video in videos}
        return [(hit, by_id[hit.chunk.video_id]) for hit in hits]

    async def known(self, channel: str, video_id: str | None = None) -> list[Video]:
        """The channel's videos, newest first, or the one asked for. Raises NothingToAsk,
        UnknownVideo, also for a video that only other channels know."""
        videos = await self.library.videos(channel)
        if video_id is None:
            if not videos:
                raise NothingToAsk(channel)
            return videos
        if chosen := [video for video in videos if video.id == video_id]:
            return chosen
        raise UnknownVideo(video_id)

    async def summary(self, video_id: str) -> Summary | None:
        """The stored one that serves best: in the program's language first."""
        languages = (self.language, *get_args(Language))
        for recipe in (*map(self.engine.recipe, languages), EXTRACTIVE):
            if found := await self.videos.summary(video_id, recipe):
                return found
        return None

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Takes one video, or all, from the channel, with what is said about it there.

        What no other channel uses is deleted. The ids taken. Raises UnknownVideo."""
        one = video_id is not None
        gone: list[str] = []
        for video in await (self.known(channel, video_id) if one else self.library.videos(channel)):
            async with self._lock(video.id):  # another channel may be taking it in
                gone += await self.library.forget(channel, video.id)
        if not one:
            await self.library.forget(channel)  # and what was said about no video
        await self.indexer.drop(channel, gone if one else None)
        return gone

    def _lock(self, video_id: str) -> asyncio.Lock:
        return self._locks.setdefault(video_id, asyncio.Lock())

    async def _resolve(self, source: Source, found: Video) -> Video:
        if known := await self.videos.get(found.id):
            return known
        return found if isinstance(source, File) else await self.fetcher.look_up(found.id)

    async def _hear(self, source: Source, video: Video, tell: Tell) -> tuple[Video, Transcript]:
        known = await self.videos.transcript(video.id)
        if known and self.hearing.is_current(source, known):
            return video, known
        video, transcript = await self.hearing.hear(source, video, tell)
        await self.videos.save(video)
        await self.videos.save_transcript(transcript)
        return video, transcript

    async def _sum_up(
        self, video: Video, transcript: Transcript, language: str, tell: Tell
    ) -> Summary:
        if known := await self.videos.summary(video.id, self.engine.recipe(language)):
            return known
        model = await self.engine.now()
        if not model and (known := await self.videos.summary(video.id, EXTRACTIVE)):
            return known
        tell(Progress("summarise"))
        summary = await self.engine.summarise(model, video, transcript, language, tell)
        own_words = summary.engine == EXTRACTIVE
        recipe = EXTRACTIVE if own_words else self.engine.recipe(language)
        await self.videos.save_summary(video.id, recipe, summary)
        return summary

    async def _passages(
        self,
        question: str,
        channel: str,
        videos: Sequence[Video],
        model: LanguageModel | None,
        watch: Watch,
        tell: Tell,
    ) -> tuple[list[Passage], tuple[str, ...]]:
        """All of a video that can be read whole, else what is found for the question."""
        transcript = await self.videos.transcript(videos[0].id) if len(videos) == 1 else None
        whole = Passage(videos[0], transcript.segments) if transcript else None
        if whole and self.engine.reads_whole(model, whole):
            by_word = not model and not await self.finder.has_vectors(videos)
            return [whole], ("keyword_only",) * by_word
        tell(Progress("load"))
        with watch.loading():
            by_vector = await self.finder.warm(videos)
        with watch.retrieving():
            return await self.finder.passages(
                question, channel, videos, PASSAGES, by_vector=by_vector
            )

    async def _suggestions(self, videos: Sequence[Video]) -> tuple[str, ...]:
        if len(videos) > 1:
            return ()
        summary = await self.summary(videos[0].id)
        return summary.questions if summary else ()


async def _identify(source: Source) -> Video:
    """What is known of the source without asking anybody."""
    if isinstance(source, File):
        return await asyncio.to_thread(file_video, source.path)
    return Video(source.video_id, "")


def _said(words: str) -> str:
    """On one line, without what no tokeniser takes. Raises EmptyQuestion if nothing is left."""
    if said := one_line(words):
        return said
    raise EmptyQuestion()
