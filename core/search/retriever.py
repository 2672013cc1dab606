"""This file finds what an answer may rest on: in one video exactly, in a channel by its index."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.errors import EmbedderMissing, WorkerFailed, WorkerTimeout
from core.model import Hit, Passage
from core.ports import Chunks, Embedder, KeywordRanker, Library, Vectors
from core.search import exact_search
from core.search.caches import UNAVAILABLE, Caches, CacheStatus, Notes, embedder_of
from core.search.ranking import KEYWORD_WEIGHT, VECTOR_WEIGHT, VideoScope, fuse, join
from core.text.tokens import tokenise

log = logging.getLogger(__name__)

CANDIDATES = 50
"""What each leg of a channel search brings to the fusion."""
_KEPT_SCOPES = 8


@dataclass(slots=True)
class Retriever:
    """Reads what core/search/indexing.py writes. A channel's cache that cannot be used, or is being
    filled, is gone without."""

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
        if not await self.has_vectors(channel, video_id):
            return False
        try:
            await self.embedder.load()
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("no embedder", exc_info=True)
            return False
        return True

    async def passages(
        self, question: str, channel: str, video_id: str | None, limit: int, *, by_vector: bool
    ) -> tuple[list[Passage], Notes]:
        """Return the best `limit` chunks, neighbours joined, best first. See `hits`."""
        hits, notes = await self.hits(question, channel, video_id, limit, by_vector=by_vector)
        stretches = join(hits)
        ids = list({video_id for video_id, _, _ in stretches})
        by_id = {video.id: video for video in await self.library.get_many(channel, ids)}
        return [
            Passage(by_id[video_id], tuple(await self.chunks.segments(video_id, first, last)))
            for video_id, first, last in stretches
            if video_id in by_id  # not forgotten meanwhile
        ], notes

    async def hits(
        self, question: str, channel: str, video_id: str | None, limit: int, *, by_vector: bool
    ) -> tuple[list[Hit], Notes]:
        """Return the best chunks of the video, or of all the channel knows. `by_vector`: what
        `load_embedder` returned. Notes: `keyword_only`, `cache_rebuilding`."""
        vector = await self._vector(question) if by_vector else None
        notes: Notes = ("keyword_only",) if vector is None else ()
        if video_id is not None:
            scope = await self._scope(video_id)
            return scope.rank(question, vector, limit), notes
        level = await self.caches.sync(channel)
        found, level = await self._by_word(question, channel, level)
        rankings = [found]
        if vector is not None:
            found, level = await self._by_vector(vector, channel, level)
            rankings.append(found)
        return await self._fused(rankings, channel, limit), notes + level.notes

    async def _vector(self, question: str) -> Vectors | None:
        try:
            vector: Vectors = (await self.embedder.embed([question], "question"))[0]
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("a question without a vector", exc_info=True)
            return None
        return vector

    async def _by_word(
        self, question: str, channel: str, level: CacheStatus
    ) -> tuple[list[str], CacheStatus]:
        """Chunk keys, best first. The level as it proved to be."""
        if level.keywords:
            try:
                tokens = tokenise(question)
                return await self.caches.keywords.matching(channel, tokens, CANDIDATES), level
            except UNAVAILABLE:
                self._go_without(channel)
        ids = list((await self.caches.contents(channel)).recipes)
        found = await exact_search.matching(self.chunks, ids, self.ranker, question, CANDIDATES)
        return found, replace(level, keywords=False)

    async def _by_vector(
        self, vector: Vectors, channel: str, level: CacheStatus
    ) -> tuple[list[str], CacheStatus]:
        if level.vectors:
            try:
                return await self.caches.vectors.nearest(channel, vector, CANDIDATES), level
            except UNAVAILABLE:
                self._go_without(channel)
        ids = list((await self.caches.contents(channel)).embedded)
        found = await exact_search.nearest(self.chunks, ids, vector, CANDIDATES)
        return found, replace(level, vectors=False)

    def _go_without(self, channel: str) -> None:
        log.warning("a channel is searched without its index", exc_info=True)
        self.caches.mark_unverified(channel)

    async def _fused(
        self, rankings: Sequence[Sequence[str]], channel: str, limit: int
    ) -> list[Hit]:
        scores = fuse(rankings, (KEYWORD_WEIGHT, VECTOR_WEIGHT)[: len(rankings)], limit)
        found = sorted({key.rpartition(":")[0] for key, _ in scores})
        known = await self.library.get_many(channel, found)
        chunks, _ = await self.chunks.load(sorted(video.id for video in known))
        by_key = {chunk.key: chunk for chunk in chunks}
        return [Hit(by_key[key], score) for key, score in scores if key in by_key]

    async def _scope(self, video_id: str) -> VideoScope:
        """One video's, kept for the next question as long as its chunks stay the same."""
        recipe = await self.chunks.recipe(video_id) or ""
        key = (video_id, recipe)
        scope = self._scopes.pop(key, None) or await self._read(video_id, recipe)
        self._scopes[key] = scope
        if len(self._scopes) > _KEPT_SCOPES:
            self._scopes.popitem(last=False)
        return scope

    async def _read(self, video_id: str, recipe: str) -> VideoScope:
        chunks, vectors = await self.chunks.load([video_id])
        is_comparable = embedder_of(recipe) == self.embedder.name
        return VideoScope.of(chunks, vectors if is_comparable else None, self.ranker)
