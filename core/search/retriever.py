"""Retrieve passages for a question: from one video exactly, from a channel by its caches."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.errors import EmbedderMissing, WorkerFailed, WorkerTimeout
from core.model import Chunk, Hit, Passage
from core.ports import Chunks, Embedder, KeywordRanker, Library, Vectors
from core.search import exact_search
from core.search.caches import UNAVAILABLE, Caches, CacheStatus, Notes, embedder_of
from core.search.ranking import (
    KEYWORD_WEIGHT,
    VECTOR_WEIGHT,
    VideoScope,
    fuse,
    join,
    question_tokens,
)
from core.text.query_words import QueryWords

log = logging.getLogger(__name__)

CANDIDATES = 50
"""Chunks that each ranking of a channel search contributes to the fusion."""
_KEPT_SCOPES = 8


@dataclass(slots=True)
class Retriever:
    """The reading side of search; core/search/indexing.py is the writing side.

    A channel's cache that is unusable or being filled is replaced by an exact search."""

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
        notes: Notes = ("keyword_only",) if vector is None else ()
        if video_id is not None:
            scope = await self._scope(video_id)
            return scope.rank(question, vector, limit), notes
        status = await self.caches.sync(channel)
        found, status = await self._by_word(question_tokens(question), channel, status, CANDIDATES)
        rankings = [found]
        if vector is not None:
            found, status = await self._by_vector(vector, channel, status, CANDIDATES)
            rankings.append(found)
        scores = fuse(rankings, (KEYWORD_WEIGHT, VECTOR_WEIGHT)[: len(rankings)], limit)
        return await self._hits(scores, vector, channel), notes + status.notes

    async def with_words(
        self, words: QueryWords, channel: str, video_id: str | None, limit: int
    ) -> tuple[list[Chunk], Notes]:
        """Return chunks of the video, or of the channel, with any of the words, the best by
        keywords first. A word may stand only in the chunk's heading. Notes: `cache_rebuilding`,
        `search_cut`."""
        if video_id is not None:
            return (await self._scope(video_id)).with_words(words, limit), ()
        status = await self.caches.sync(channel)
        keys, status = await self._by_word(words.tokens, channel, status, limit)
        chunks = {chunk.key: chunk for chunk in await self.chunks.some(keys)}
        return [chunks[key] for key in keys if key in chunks], status.notes

    async def nearest(
        self, vector: Vectors, channel: str, video_id: str | None, limit: int
    ) -> tuple[list[Hit], Notes]:
        """Return the chunks of the video, or of the channel, that are nearest to the vector."""
        if video_id is not None:
            return (await self._scope(video_id)).nearest(vector, limit), ()
        status = await self.caches.sync(channel)
        keys, status = await self._by_vector(vector, channel, status, limit)
        return await self._hits([(key, 0.0) for key in keys], vector, channel), status.notes

    async def embed_question(self, question: str) -> Vectors | None:
        """Return the question's vector; None if the embedder fails."""
        try:
            vector: Vectors = (await self.embedder.embed([question], "question"))[0]
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("question not embedded", exc_info=True)
            return None
        return vector

    async def _by_word(
        self, tokens: Sequence[str], channel: str, status: CacheStatus, limit: int
    ) -> tuple[list[str], CacheStatus]:
        """Return chunk keys, best first, and the status as it turned out."""
        if status.keywords:
            try:
                return await self.caches.keywords.matching(channel, tokens, limit), status
            except UNAVAILABLE:
                self._cache_failed(channel)
        ids = list((await self.caches.contents(channel)).recipes)
        found, is_whole = await exact_search.matching(self.chunks, ids, self.ranker, tokens, limit)
        return found, replace(status, keywords=False, is_cut=not is_whole)

    async def _by_vector(
        self, vector: Vectors, channel: str, status: CacheStatus, limit: int
    ) -> tuple[list[str], CacheStatus]:
        if status.vectors:
            try:
                return await self.caches.vectors.nearest(channel, vector, limit), status
            except UNAVAILABLE:
                self._cache_failed(channel)
        ids = list((await self.caches.contents(channel)).embedded)
        found = await exact_search.nearest(self.chunks, ids, vector, limit)
        return found, replace(status, vectors=False)

    def _cache_failed(self, channel: str) -> None:
        log.warning("searching a channel without its cache", exc_info=True)
        self.caches.mark_unverified(channel)

    async def _hits(
        self, scores: Sequence[tuple[str, float]], vector: Vectors | None, channel: str
    ) -> list[Hit]:
        chunks, cosines = await self._load([key for key, _ in scores], channel, vector)
        return [Hit(chunks[key], score, cosines.get(key)) for key, score in scores if key in chunks]

    async def _load(
        self, keys: Sequence[str], channel: str, vector: Vectors | None = None
    ) -> tuple[dict[str, Chunk], dict[str, float]]:
        """Return the chunks of videos that the channel still knows, and their cosines, by key."""
        found = sorted({key.rpartition(":")[0] for key in keys})
        known = await self.library.get_many(channel, found)
        chunks, rows = await self.chunks.load(sorted(video.id for video in known))
        by_key = {chunk.key: chunk for chunk in chunks}
        if vector is None or rows is None:
            return by_key, {}
        return by_key, dict(zip(by_key, map(float, rows @ vector), strict=True))

    async def _scope(self, video_id: str) -> VideoScope:
        """Return one video's scope, kept in memory while its chunks stay the same."""
        recipe = await self.chunks.recipe(video_id) or ""
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
