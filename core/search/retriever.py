"""Retrieve passages for a question: from one video exactly, from a channel by its caches."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import EmbedderMissing, WorkerFailed, WorkerTimeout
from core.model import Hit, Passage
from core.ports import Chunks, Embedder, KeywordRanker, Library, Vectors
from core.search.caches import Caches, Notes, embedder_of
from core.search.ranking import VideoScope, join
from core.search.scopes import ChannelScope, OneVideo, Scope
from core.text.question_words import subject_of

log = logging.getLogger(__name__)

_KEPT_SCOPES = 8


@dataclass(slots=True)
class Retriever:
    """The reading side of search; core/search/indexing.py is the writing side."""

    library: Library
    chunks: Chunks
    caches: Caches
    embedder: Embedder
    ranker: KeywordRanker
    _scopes: OrderedDict[tuple[str, str], VideoScope] = field(default_factory=OrderedDict)

    async def has_vectors(self, channel: str, video_id: str | None) -> bool:
        """Whether the video, or any of the channel, has vectors of the configured embedder."""
        if video_id is None:
            return bool((await self.caches.contents(channel)).embedded)
        recipe = await self.chunks.recipe(video_id)
        return embedder_of(recipe or "") == self.embedder.name

    async def load_embedder(self, channel: str, video_id: str | None) -> bool:
        """Load the embedder if the video, or the channel, has vectors to compare with.

        False if it has none, or there is no embedder: search by keywords alone."""
        return await self.has_vectors(channel, video_id) and await self.load()

    async def load(self) -> bool:
        """Load the embedder. False if there is none."""
        try:
            await self.embedder.load()
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("embedder not available", exc_info=True)
            return False
        return True

    async def passages(self, hits: Sequence[Hit], channel: str) -> list[Passage]:
        """Return the hits' segments, neighbours joined, best first."""
        ranges = join(hits)
        ids = list({video_id for video_id, _, _ in ranges})
        by_id = {video.id: video for video in await self.library.get_many(channel, ids)}
        ranges = [each for each in ranges if each[0] in by_id]  # not forgotten meanwhile
        spoken = await self.chunks.segments(ranges)
        return [
            Passage(by_id[video_id], tuple(segments), first)
            for (video_id, first, _), segments in zip(ranges, spoken, strict=True)
        ]

    async def hits(
        self,
        question: str,
        vector: Vectors | None,
        channel: str,
        video_id: str | None,
        limit: int,
    ) -> tuple[list[Hit], Notes]:
        """Return the best chunks of the video, or, if None, of the channel.

        `vector`: from `embed_question`; None to search by keywords alone. Notes: `keyword_only`,
        `cache_rebuilding`, `search_cut`."""
        scope = await self.scope(channel, video_id)
        found = await scope.hits(question, vector, limit)
        return found, (("keyword_only",) if vector is None else ()) + scope.notes

    async def scope(self, channel: str, video_id: str | None) -> Scope:
        """Return what a search in the video, or, if None, in the channel looks at."""
        if video_id is None:
            contents, status = await self.caches.state(channel)
            return ChannelScope(channel, self.chunks, self.caches, self.ranker, contents, status)
        recipe = await self.chunks.recipe(video_id) or ""
        has_vectors = embedder_of(recipe) == self.embedder.name
        return OneVideo(channel, await self._video(video_id, recipe), has_vectors)

    async def embed_question(self, question: str) -> Vectors | None:
        """Return the vector of what the question is about; None if the embedder fails."""
        try:
            subject = subject_of(question)
            vector: Vectors = (await self.embedder.embed([subject], "question"))[0]
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("question not embedded", exc_info=True)
            return None
        return vector

    async def _video(self, video_id: str, recipe: str) -> VideoScope:
        """Return one video's scope, kept in memory while its chunks stay the same."""
        key = (video_id, recipe)
        scope = self._scopes.pop(key, None) or await self._load_scope(video_id, recipe)
        self._scopes[key] = scope
        if len(self._scopes) > _KEPT_SCOPES:
            self._scopes.popitem(last=False)
        return scope

    async def _load_scope(self, video_id: str, recipe: str) -> VideoScope:
        chunks, vectors = await self.chunks.load([video_id])
        is_comparable = embedder_of(recipe) == self.embedder.name
        return VideoScope.of(chunks, vectors if is_comparable else None, self.ranker)
