"""This file is the order of the steps from a source to a video that a channel can question.

Each step looks into the store first, so whoever was stopped begins where the store ends.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from weakref import WeakValueDictionary

from core.errors import UnknownVideo
from core.model import EXTRACTIVE, Order, Progress, Ready, Summary, Transcript, Video
from core.pipeline.engine import Engine
from core.ports import Checkpoints, Fetcher, Library, ProgressCallback, Videos
from core.search.caches import Notes
from core.search.indexing import Indexer
from core.sources import File, Link, Source, file_video
from core.transcription.transcript_maker import TranscriptMaker, notes_about

KEPT = timedelta(days=7)
"""Windows and notes of work that nobody goes on with."""

Step = Callable[[Order, ProgressCallback], Awaitable[Notes]]


@dataclass(frozen=True, slots=True)
class Ingest:
    """What a job does. Every step may be done again at no harm."""

    videos: Videos
    library: Library
    checkpoints: Checkpoints
    fetcher: Fetcher
    transcript_maker: TranscriptMaker
    indexer: Indexer
    engine: Engine
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @property
    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Done in this order for a video, whichever channels ask for it. Each raises any CoreError
        and returns codes of what the user should know."""
        return (
            ("resolve", self.resolve),
            ("transcribe", self.transcribe),
            ("summarise", self.summarise),
            ("index", self.index),
        )

    async def order(self, source: Source, channel: str, language: str) -> Order:
        """What is to be done. Raises FileEmpty, NotMedia."""
        file = ""
        if isinstance(source, File):
            video_id = (await asyncio.to_thread(file_video, source.path)).id
            file = str(source.path.absolute())
        else:
            video_id = source.video_id
        transcript = self.transcript_maker.recipe_prefix(source)
        settings = f"{transcript} {self.engine.recipe(language)} {language}"
        digest = hashlib.sha256(settings.encode("utf-8", "replace")).hexdigest()[:11]
        return Order(f"{video_id}-{digest}", video_id, file, channel, language)

    async def find_ready(self, order: Order) -> Ready | None:
        """The video, known to the channel from now on, if nothing else need be done for that."""
        video = await self.videos.get(order.video_id)
        transcript = await self._heard(order)
        if not video or not transcript:
            return None
        summary = await self._summed_up(order)
        if not summary or not await self.indexer.is_done(video, transcript, summary.chapters):
            return None
        try:
            return await self.ready(order, await self.add(order))
        except UnknownVideo:  # forgotten in between
            return None

    async def resolve(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """The store knows the video's title and length."""
        on_progress(Progress("resolve"))
        if not await self.videos.get(order.video_id):
            source = _source(order)
            if isinstance(source, File):
                video = await asyncio.to_thread(file_video, source.path)
            else:
                video = await self.fetcher.look_up(source.video_id)
            await self.videos.save(video)
        return ()

    async def transcribe(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """The store has the words. Two orders of one video in two languages hear it once."""
        async with self._turns.setdefault(order.video_id, asyncio.Lock()):
            if await self._heard(order):
                return ()
            video = await self._video(order)
            video, transcript = await self.transcript_maker.make(_source(order), video, on_progress)
            await self.videos.save(video)
            await self.videos.save_transcript(transcript)
            await self.transcript_maker.clear_checkpoints(video.id)
            return self.transcript_maker.notes

    async def summarise(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """The store has a summary, the best one that can be had now."""
        if not await self._summed_up(order):
            video, transcript = await self._video(order), await self._transcript(order)
            on_progress(Progress("summarise"))
            model = await self.engine.now()
            summary = await self.engine.summarise(
                model, video, transcript, order.language, on_progress
            )
            own_words = summary.engine == EXTRACTIVE
            recipe = EXTRACTIVE if own_words else self.engine.recipe(order.language)
            await self.videos.save_summary(video.id, recipe, summary)
            if not own_words:  # else the model may be back, and go on
                await self.engine.finished(video.id, order.language)
        return ()

    async def index(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """The store has chunks and vectors."""
        video, transcript = await self._video(order), await self._transcript(order)
        return await self.indexer.index(
            video, transcript, (await self._summary(order)).chapters, on_progress
        )

    async def add(self, order: Order) -> Notes:
        """The channel knows the video."""
        if await self.library.get(order.channel, order.video_id):
            return ()
        return await self.indexer.add(order.channel, order.video_id)

    async def discard(self, order: Order) -> None:
        """Forgets a video of which nothing was heard."""
        await self.videos.discard(order.video_id)

    async def purge_expired(self) -> None:
        """Forgets what was begun long ago and never finished."""
        await self.checkpoints.purge(datetime.now(UTC) - KEPT)

    async def forget(self, video_id: str) -> None:
        """Nothing is left of a video that nobody knows yet."""
        await self.checkpoints.clear(video_id)
        await self.videos.discard(video_id)

    async def ready(self, order: Order, notes: Notes = ()) -> Ready:
        """What the steps came to. Raises UnknownVideo where they were not done."""
        video, transcript = await self._video(order), await self._transcript(order)
        summary = await self._summary(order)
        notes += notes_about(video, transcript, self.transcript_maker.speech)
        return Ready(video, transcript, summary, notes + self.engine.notes(summary.engine))

    async def _video(self, order: Order) -> Video:
        if video := await self.videos.get(order.video_id):
            return video
        raise UnknownVideo(order.video_id)

    async def _transcript(self, order: Order) -> Transcript:
        if transcript := await self.videos.transcript(order.video_id):
            return transcript
        raise UnknownVideo(order.video_id)

    async def _heard(self, order: Order) -> Transcript | None:
        known = await self.videos.transcript(order.video_id)
        return known if known and self.transcript_maker.is_current(_source(order), known) else None

    async def _summary(self, order: Order) -> Summary:
        recipe = self.engine.recipe(order.language)
        for known in (recipe, EXTRACTIVE):
            if summary := await self.videos.summary(order.video_id, known):
                return summary
        raise UnknownVideo(order.video_id)

    async def _summed_up(self, order: Order) -> Summary | None:
        """The stored summary, unless a better one could be had."""
        recipe = self.engine.recipe(order.language)
        if known := await self.videos.summary(order.video_id, recipe):
            return known
        known = await self.videos.summary(order.video_id, EXTRACTIVE)
        return None if known and await self.engine.now() else known


def _source(order: Order) -> Source:
    return File(Path(order.file)) if order.file else Link(order.video_id)
