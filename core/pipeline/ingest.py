"""The steps from a source to a video that a channel can question.

Each step reads the store first, so an ingest that was stopped continues where the store ends.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from weakref import WeakValueDictionary

from core.errors import UnknownVideo
from core.model import EXTRACTIVE, Order, Progress, Ready, Summary, Transcript, Video, is_file_id
from core.pipeline.engine import Engine
from core.ports import Checkpoints, Fetcher, Library, ProgressCallback, Videos
from core.search.caches import Notes
from core.search.indexing import Indexer
from core.sources import File, Link, Source, file_video
from core.transcription.transcript_maker import TranscriptMaker, notes_about

CHECKPOINTS_KEPT = timedelta(days=7)
"""How long the checkpoints of an abandoned ingest are kept."""

AUDIO_AGAIN_S = 3600.0
"""Pause between two tries to replace a video's captions, each when somebody wants the video."""

Step = Callable[[Order, ProgressCallback], Awaitable[Notes]]


@dataclass(frozen=True, slots=True)
class Ingest:
    """The steps of a job. Each may be repeated without harm."""

    videos: Videos
    library: Library
    checkpoints: Checkpoints
    fetcher: Fetcher
    transcript_maker: TranscriptMaker
    indexer: Indexer
    engine: Engine
    _tried_at: dict[str, float] = field(default_factory=dict)
    """When the audio of a video that has only captions for now was last tried."""
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @property
    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Run in this order, once for all channels that want the video. Each raises any CoreError
        and returns note codes for the user."""
        return (
            ("resolve", self.resolve),
            ("transcribe", self.transcribe),
            ("summarise", self.summarise),
            ("index", self.index),
        )

    async def order(self, source: Source, channel: str, language: str) -> Order:
        """The order to submit as a job. Raises FileEmpty, NotMedia."""
        file = file_name = ""
        if isinstance(source, File):
            video_id = (await asyncio.to_thread(file_video, source)).id
            file, file_name = str(source.path.absolute()), source.name
        else:
            video_id = source.video_id
        transcript = self.transcript_maker.recipe_prefix(source)
        settings = f"{transcript} {self.engine.recipe(language)} {language}"
        digest = hashlib.sha256(settings.encode("utf-8", "replace")).hexdigest()[:11]
        return Order(f"{video_id}-{digest}", video_id, file, channel, language, file_name)

    async def find_ready(self, order: Order) -> Ready | None:
        """Add the video to the channel if no step has to run for it; None if one has."""
        video = await self.videos.get(order.video_id)
        transcript = await self._current_transcript(order)
        if not video or not transcript or self._may_be_better(order, transcript):
            return None
        summary = await self._best_summary(order)
        if not summary or not await self.indexer.is_indexed(video, transcript, summary.chapters):
            return None
        try:
            return await self.ready(order, await self.add(order))
        except UnknownVideo:  # forgotten meanwhile
            return None

    async def resolve(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """Store the video's title and length. A file's title belongs to the channel's entry: what
        is made of the video is shown to all who send the file."""
        on_progress(Progress("resolve"))
        if not await self.videos.get(order.video_id):
            source = _source(order)
            if isinstance(source, File):
                video = Video((await asyncio.to_thread(file_video, source)).id, "")
            else:
                video = await self.fetcher.look_up(source.video_id)
            await self.videos.save(video)
        return ()

    async def transcribe(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """Store the transcript. Orders of one video in two languages share it."""
        async with self._locks.setdefault(order.video_id, asyncio.Lock()):
            known, video = await self._current_transcript(order), await self._video(order)
            if known and not self._may_be_better(order, known):
                return ()
            self._tried_at[video.id] = time.monotonic()
            make = self.transcript_maker.make_better if known else self.transcript_maker.make
            made = await make(_source(order), video, on_progress)
            if made is None:
                return ()
            video, transcript = made
            if not self.transcript_maker.is_provisional(_source(order), transcript):
                del self._tried_at[video.id]
            await self.videos.save(video)
            await self.videos.save_transcript(transcript)
            await self.transcript_maker.clear_checkpoints(video.id)
            return self.transcript_maker.notes

    async def summarise(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """Store the best summary that is possible now."""
        if not await self._best_summary(order):
            video, transcript = await self._video(order), await self._transcript(order)
            on_progress(Progress("summarise"))
            model = await self.engine.model_for_summary()
            summary = await self.engine.summarise(
                model, video, transcript, order.language, on_progress
            )
            is_extractive = summary.engine == EXTRACTIVE
            recipe = EXTRACTIVE if is_extractive else self.engine.recipe(order.language)
            await self.videos.save_summary(video.id, recipe, summary)
            if not is_extractive:  # else the model may continue from its notes later
                await self.engine.clear_notes(video.id, order.language)
        return ()

    async def index(self, order: Order, on_progress: ProgressCallback) -> Notes:
        """Store chunks and vectors."""
        video, transcript = await self._video(order), await self._transcript(order)
        return await self.indexer.index(
            video, transcript, (await self._summary(order)).chapters, on_progress
        )

    async def add(self, order: Order) -> Notes:
        """Add the video to the channel."""
        if await self.library.get(order.channel, order.video_id):
            return ()
        return await self.indexer.add(order.channel, order.video_id, order.file_name)

    async def discard(self, order: Order) -> None:
        """Delete a video that has no transcript."""
        await self.videos.discard(order.video_id)

    async def purge_expired(self) -> None:
        """Delete the checkpoints of abandoned ingests."""
        await self.checkpoints.purge(datetime.now(UTC) - CHECKPOINTS_KEPT)

    async def forget(self, video_id: str) -> None:
        """Delete the checkpoints, and the video if it has no transcript and no channel."""
        await self.checkpoints.clear(video_id)
        await self.videos.discard(video_id)

    async def ready(self, order: Order, notes: Notes = ()) -> Ready:
        """The stored results of the steps. Raises UnknownVideo if one is missing."""
        known = await self.library.get(order.channel, order.video_id)
        video = known or (await self._video(order)).named(order.file_name)
        transcript, summary = await self._transcript(order), await self._summary(order)
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

    async def _current_transcript(self, order: Order) -> Transcript | None:
        known = await self.videos.transcript(order.video_id)
        if known is None or _has_no_source(order):
            return known
        return known if self.transcript_maker.is_current(_source(order), known) else None

    def _may_be_better(self, order: Order, transcript: Transcript) -> bool:
        """Whether the audio is worth another try in place of captions."""
        if _has_no_source(order):
            return False
        tried_s = time.monotonic() - self._tried_at.get(order.video_id, -math.inf)
        is_provisional = self.transcript_maker.is_provisional(_source(order), transcript)
        return is_provisional and tried_s > AUDIO_AGAIN_S

    async def _summary(self, order: Order) -> Summary:
        recipe = self.engine.recipe(order.language)
        for known in (recipe, EXTRACTIVE):
            if summary := await self.videos.summary(order.video_id, known):
                return summary
        raise UnknownVideo(order.video_id)

    async def _best_summary(self, order: Order) -> Summary | None:
        """The stored summary, unless a better one is possible now."""
        recipe = self.engine.recipe(order.language)
        if known := await self.videos.summary(order.video_id, recipe):
            return known
        known = await self.videos.summary(order.video_id, EXTRACTIVE)
        return None if known and await self.engine.model_for_summary() else known


def _has_no_source(order: Order) -> bool:
    """Whether the order is for a file that was sent earlier and is kept no longer, as when its
    summary is shown again."""
    return is_file_id(order.video_id) and not order.file


def _source(order: Order) -> Source:
    return File(Path(order.file)) if order.file else Link(order.video_id)
