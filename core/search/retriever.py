"""This file finds what an answer may rest on: in one video exactly, in a channel by its index."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.errors import EmbedderMissing, WorkerFailed, WorkerTimeout
from core.model import Hit, Passage, Video
from core.ports import Chunks, Embedder, KeywordRanker, Vectors
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

    chunks: Chunks
    caches: Caches
    embedder: Embedder
    ranker: KeywordRanker
    _scopes: OrderedDict[tuple[str, str], VideoScope] = field(default_factory=OrderedDict)

    async def has_vectors(self, videos: Sequence[Video]) -> bool:
        """Whether any of them has vectors of today's embedder."""
        return bool(await self._embedded([video.id for video in videos]))

    async def load_embedder(self, videos: Sequence[Video]) -> bool:
        """Brings the embedder into memory if these videos have vectors to compare with.
        False: there are none, or no embedder, and words alone must do."""
        if not await self.has_vectors(videos):
            return False
        try:
            await self.embedder.load()
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("no embedder", exc_info=True)
            return False
        return True

    async def passages(
        self, question: str, channel: str, videos: Sequence[Video], limit: int, *, by_vector: bool
    ) -> tuple[list[Passage], Notes]:
        """The best `limit` chunks, neighbours joined, best first."""
        hits, notes = await self.hits(question, channel, videos, limit, by_vector=by_vector)
        by_id = {video.id: video for video in videos}
        return [
            Passage(by_id[video_id], tuple(await self.chunks.segments(video_id, first, last)))
            for video_id, first, last in join(hits)
        ], notes

    async def hits(
        self, question: str, channel: str, videos: Sequence[Video], limit: int, *, by_vector: bool
    ) -> tuple[list[Hit], Notes]:
        """The best chunks of one video, or, given several, of the channel. `by_vector`: what
        `load_embedder` returned. Notes: `keyword_only`, `cache_rebuilding`."""
        vector = await self._vector(question) if by_vector else None
        notes: Notes = ("keyword_only",) if vector is None else ()
        if len(videos) == 1:
            scope = await self._scope(videos[0].id)
            return scope.rank(question, vector, limit), notes
        level = await self.caches.sync(channel, videos)
        ids = [video.id for video in videos]
        found, level = await self._by_word(question, channel, ids, level)
        rankings = [found]
        if vector is not None:
            found, level = await self._by_vector(vector, channel, ids, level)
            rankings.append(found)
        return await self._fused(rankings, ids, limit), notes + level.notes

    async def _vector(self, question: str) -> Vectors | None:
        try:
            vector: Vectors = (await self.embedder.embed([question], "question"))[0]
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("a question without a vector", exc_info=True)
            return None
        return vector

    async def _by_word(
        self, question: str, channel: str, ids: Sequence[str], level: CacheStatus
    ) -> tuple[list[str], CacheStatus]:
        """Chunk keys, best first. The level as it proved to be."""
        if level.keywords:
            try:
                tokens = tokenise(question)
                return await self.caches.keywords.matching(channel, tokens, CANDIDATES), level
            except UNAVAILABLE:
                self._go_without(channel)
        found = await exact_search.matching(self.chunks, ids, self.ranker, question, CANDIDATES)
        return found, replace(level, keywords=False)

    async def _by_vector(
        self, vector: Vectors, channel: str, ids: Sequence[str], level: CacheStatus
    ) -> tuple[list[str], CacheStatus]:
        if level.vectors:
            try:
                return await self.caches.vectors.nearest(channel, vector, CANDIDATES), level
            except UNAVAILABLE:
                self._go_without(channel)
        found = await exact_search.nearest(
            self.chunks, await self._embedded(ids), vector, CANDIDATES
        )
        return found, replace(level, vectors=False)

    def _go_without(self, channel: str) -> None:
        log.warning("a channel is searched without its index", exc_info=True)
        self.caches.mark_unverified(channel)

    async def _fused(
        self, rankings: Sequence[Sequence[str]], ids: Sequence[str], limit: int
    ) -> list[Hit]:
        scores = fuse(rankings, (KEYWORD_WEIGHT, VECTOR_WEIGHT)[: len(rankings)], limit)
        known = {key.rpartition(":")[0] for key, _ in scores} & set(ids)
        chunks, _ = await self.chunks.load(sorted(known))
        by_key = {chunk.key: chunk for chunk in chunks}
        return [Hit(by_key[key], score) for key, score in scores if key in by_key]

    async def _embedded(self, ids: Sequence[str]) -> list[str]:
        """Those with vectors of today's embedder: another one's say nothing about ours."""
        recipes = await self.chunks.recipes(ids)
        return [id for id in ids if embedder_of(recipes.get(id, "")) == self.embedder.name]

    async def _scope(self, video_id: str) -> VideoScope:
        """One video's, kept for the next question as long as its chunks stay the same."""
        key = (video_id, await self.chunks.recipe(video_id) or "")
        scope = self._scopes.pop(key, None) or await self._read(video_id)
        self._scopes[key] = scope
        if len(self._scopes) > _KEPT_SCOPES:
            self._scopes.popitem(last=False)
        return scope

    async def _read(self, video_id: str) -> VideoScope:
        chunks, vectors = await self.chunks.load([video_id])
        embedded = bool(await self._embedded([video_id]))
        return VideoScope.of(chunks, vectors if embedded else None, self.ranker)
