"""This file finds what an answer may rest on: in one video exactly, in a channel by its index."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import EmbedderMissing, IndexBroken, WorkerFailed, WorkerTimeout
from core.indexing import Indexer, Notes, made_by
from core.model import Hit, Passage, Video
from core.ports import Chunks, Embedder, KeywordRanker, Vectors
from core.retrieval import KEYWORD_WEIGHT, VECTOR_WEIGHT, VideoScope, fuse, join
from core.tokens import tokenise

log = logging.getLogger(__name__)

CANDIDATES = 50
"""What each leg of a channel search brings to the fusion."""
_KEPT_SCOPES = 8


@dataclass(slots=True)
class Finder:
    """Reads what core/indexing.py writes."""

    chunks: Chunks
    indexer: Indexer
    embedder: Embedder
    ranker: KeywordRanker
    _scopes: OrderedDict[tuple[str, str], VideoScope] = field(default_factory=OrderedDict)

    async def has_vectors(self, videos: Sequence[Video]) -> bool:
        """Whether any of them has vectors of today's embedder."""
        recipes = [await self.chunks.recipe(video.id) or "" for video in videos]
        return self.embedder.name in map(made_by, recipes)

    async def warm(self, videos: Sequence[Video]) -> bool:
        """Brings the embedder into memory if these videos have vectors to compare with.
        False: there are none, or no embedder, and words alone must do."""
        if not await self.has_vectors(videos):
            return False
        try:
            await self.embedder.warm()
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
        `warm` returned. Notes: `keyword_only`, `cache_rebuilding`."""
        notes: Notes = () if by_vector else ("keyword_only",)
        vector = (await self.embedder.embed([question], "question"))[0] if by_vector else None
        if len(videos) == 1:
            scope = await self._scope(videos[0].id)
            return scope.rank(question, vector, limit), notes
        try:
            return await self._in_channel(question, vector, channel, videos, limit), notes
        except (IndexBroken, WorkerFailed, WorkerTimeout):
            log.warning("a channel is searched without its index", exc_info=True)
            scope = await self._read([video.id for video in videos])
            return scope.rank(question, vector, limit), (*notes, "cache_rebuilding")

    async def _in_channel(
        self,
        question: str,
        vector: Vectors | None,
        channel: str,
        videos: Sequence[Video],
        limit: int,
    ) -> list[Hit]:
        await self.indexer.level(channel, videos)
        found = [await self.indexer.keywords.matching(channel, tokenise(question), CANDIDATES)]
        if vector is not None:
            found.append(await self.indexer.vectors.nearest(channel, vector, CANDIDATES))
        scores = fuse(found, (KEYWORD_WEIGHT, VECTOR_WEIGHT)[: len(found)], limit)
        known = {key.rpartition(":")[0] for key, _ in scores} & {video.id for video in videos}
        chunks, _ = await self.chunks.load(sorted(known))
        by_key = {chunk.key: chunk for chunk in chunks}
        return [Hit(by_key[key], score) for key, score in scores if key in by_key]

    async def _scope(self, video_id: str) -> VideoScope:
        """One video's, kept for the next question as long as its chunks stay the same."""
        key = (video_id, await self.chunks.recipe(video_id) or "")
        scope = self._scopes.pop(key, None) or await self._read([video_id])
        self._scopes[key] = scope
        if len(self._scopes) > _KEPT_SCOPES:
            self._scopes.popitem(last=False)
        return scope

    async def _read(self, video_ids: Sequence[str]) -> VideoScope:
        chunks, vectors = await self.chunks.load(video_ids)
        recipes = {await self.chunks.recipe(video_id) or "" for video_id in video_ids}
        if {made_by(recipe) for recipe in recipes} != {self.embedder.name}:
            vectors = None  # another embedder's vectors say nothing about ours
        return VideoScope.of(chunks, vectors, self.ranker)
