"""What one search looks at, as the store held it when the search began: a channel or one video.

The store is asked once for it, and again only for what was found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.model import Hit
from core.ports import Chunks, KeywordRanker, Vectors
from core.search import exact_search
from core.search.caches import UNAVAILABLE, Caches, CacheStatus, Contents, Notes
from core.search.ranking import KEYWORD_WEIGHT, VECTOR_WEIGHT, VideoScope, fuse, question_tokens
from core.text.query_words import QueryWords

log = logging.getLogger(__name__)

CANDIDATES = 50
"""Chunks that each ranking of a channel search contributes to the fusion."""
Scores = list[tuple[str, float]]
"""Keys of chunks with their scores, best first."""


@dataclass(slots=True)
class ChannelScope:
    """All of a channel. A cache that is unusable or being filled is replaced by an exact search.

    `status`: which caches can be used; a search may find out that one can't."""

    channel: str
    chunks: Chunks
    caches: Caches
    ranker: KeywordRanker
    contents: Contents
    status: CacheStatus

    @property
    def videos(self) -> int:
        """How many videos there are to search."""
        return len(self.contents.recipes)

    @property
    def has_vectors(self) -> bool:
        """Whether any video has vectors of the configured embedder."""
        return bool(self.contents.embedded)

    @property
    def notes(self) -> Notes:
        """Codes of what the user should know about the searches so far: `cache_rebuilding`,
        `search_cut`."""
        return self.status.notes

    async def with_words(self, words: QueryWords, limit: int) -> list[str]:
        """Return keys of chunks with any of the words, the best by keywords first. A word may stand
        only in the chunk's heading."""
        return await self._by_word(words.tokens, limit)

    async def nearest(self, vector: Vectors, limit: int) -> Scores:
        """Return the chunks that are nearest to the vector, without scores."""
        return [(key, 0.0) for key in await self._by_vector(vector, limit)]

    async def hits(self, question: str, vector: Vectors | None, limit: int) -> list[Hit]:
        """Return the best chunks by keywords and, unless `vector` is None, by the vector."""
        rankings = [await self._by_word(question_tokens(question), CANDIDATES)]
        if vector is not None:
            rankings.append(await self._by_vector(vector, CANDIDATES))
        weights = (KEYWORD_WEIGHT, VECTOR_WEIGHT)[: len(rankings)]
        scores = dict(fuse(rankings, weights, limit))
        found = await self.chunks.found(self.channel, list(scores))
        return [Hit(one.chunk, scores[one.chunk.key]) for one in found]

    async def _by_word(self, tokens: Sequence[str], limit: int) -> list[str]:
        if self.status.keywords:
            try:
                return await self.caches.keywords.matching(self.channel, tokens, limit)
            except UNAVAILABLE:
                self._cache_failed()
        ids = list((await self.caches.contents(self.channel)).recipes)
        found, is_whole = await exact_search.matching(self.chunks, ids, self.ranker, tokens, limit)
        self.status = replace(self.status, keywords=False, is_cut=not is_whole)
        return found

    async def _by_vector(self, vector: Vectors, limit: int) -> list[str]:
        if self.status.vectors:
            try:
                return await self.caches.vectors.nearest(self.channel, vector, limit)
            except UNAVAILABLE:
                self._cache_failed()
                self.status = replace(self.status, vectors=False)
        ids = list((await self.caches.contents(self.channel)).embedded)
        return await exact_search.nearest(self.chunks, ids, vector, limit)

    def _cache_failed(self) -> None:
        log.warning("searching a channel without its cache", exc_info=True)
        self.caches.mark_unverified(self.channel)


@dataclass(frozen=True, slots=True)
class OneVideo:
    """One video of a channel, searched exactly in memory."""

    channel: str
    video: VideoScope
    has_vectors: bool
    notes: Notes = ()
    videos: int = 1

    async def with_words(self, words: QueryWords, limit: int) -> list[str]:
        """See ChannelScope."""
        return [chunk.key for chunk in self.video.with_words(words, limit)]

    async def nearest(self, vector: Vectors, limit: int) -> Scores:
        """Return the chunks nearest to the vector, scored by their cosines."""
        return [(hit.chunk.key, hit.score) for hit in self.video.nearest(vector, limit)]

    async def hits(self, question: str, vector: Vectors | None, limit: int) -> list[Hit]:
        """See ChannelScope."""
        return self.video.rank(question, vector, limit)


Scope = ChannelScope | OneVideo
