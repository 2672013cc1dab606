"""This file makes a video findable: chunks and vectors in the store, and in its channel's caches.

The store is the truth. A channel's caches are compared with it before their first use in a process,
and what they lack, or have too much of, is put right without embedding anything again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.chunking import chunk
from core.errors import EmbedderMissing, IndexBroken, WorkerFailed, WorkerTimeout
from core.model import Chapter, Chunk, Progress, Transcript, Video
from core.ports import Chunks, Embedder, KeywordIndex, Library, Tell, VectorIndex, Vectors

log = logging.getLogger(__name__)

Notes = tuple[str, ...]
"""Codes of what the user should know."""

_EMBED_AT_ONCE = 16


@dataclass(slots=True)
class Indexer:
    """Writes what core/finding.py reads. The two caches live in the index child."""

    chunks: Chunks
    library: Library
    embedder: Embedder
    vectors: VectorIndex
    keywords: KeywordIndex
    _levelled: dict[str, frozenset[str]] = field(default_factory=dict)
    """Channel → the videos its caches were last seen to hold."""

    async def index(
        self, video: Video, transcript: Transcript, chapters: Sequence[Chapter], tell: Tell
    ) -> Notes:
        """Cuts and embeds the video unless that was done. Notes: `keyword_only`."""
        pieces = chunk(video, transcript, chapters)
        words_only = _recipe(pieces, "")
        wanted = _recipe(pieces, self.embedder.name)
        stored = await self.chunks.recipe(video.id)
        if stored == wanted:
            return ()
        try:
            found = await self._embed(pieces, tell)
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("no vectors for %s", video.id, exc_info=True)
            if stored != words_only:
                await self.chunks.save(video.id, words_only, pieces, None)
            return ("keyword_only",)
        await self.chunks.save(video.id, wanted, pieces, found)
        self._levelled.clear()
        return ()

    async def add(self, channel: str, video: Video) -> Notes:
        """The channel knows the video, and its caches do. Notes: `cache_rebuilding`."""
        await self.library.add(channel, video.id)
        try:
            await self.level(channel, await self.library.videos(channel))
        except (IndexBroken, WorkerFailed, WorkerTimeout):
            log.warning("a channel's caches lag behind", exc_info=True)
            return ("cache_rebuilding",)
        return ()

    async def level(self, channel: str, videos: Sequence[Video]) -> None:
        """The channel's caches hold what the store holds of its `videos`, no more and no less.

        Compares once in a process for the same videos. A cache that cannot be read is made anew.
        Raises IndexBroken if that fails as well."""
        ids = frozenset(video.id for video in videos)
        if self._levelled.get(channel) == ids:
            return
        wanted = {video_id: await self.chunks.recipe(video_id) or "" for video_id in ids}
        embedded = {
            video_id: recipe
            for video_id, recipe in wanted.items()
            if made_by(recipe) == self.embedder.name
        }
        await self._level(channel, self.keywords, wanted)
        await self._level(channel, self.vectors, embedded)
        self._levelled[channel] = ids

    async def drop(self, channel: str, video_ids: Sequence[str] | None = None) -> None:
        """Takes the videos, or the channel, out of the caches. One that cannot be read is made
        anew before it is searched, without them."""
        self._levelled.pop(channel, None)
        for cache in (self.keywords, self.vectors):
            try:
                for video_id in [None] if video_ids is None else video_ids:
                    await cache.drop(channel, video_id)
            except (IndexBroken, WorkerFailed, WorkerTimeout):
                log.warning("a cache will forget later", exc_info=True)

    async def _embed(self, pieces: Sequence[Chunk], tell: Tell) -> Vectors:
        tell(Progress("load"))
        await self.embedder.warm()
        rows = []
        for first in range(0, len(pieces), _EMBED_AT_ONCE):
            tell(Progress("index", first / len(pieces)))
            texts = [piece.indexed for piece in pieces[first : first + _EMBED_AT_ONCE]]
            rows.append(await self.embedder.embed(texts, "passage"))
        return np.concatenate(rows)

    async def _level(
        self, channel: str, cache: VectorIndex | KeywordIndex, wanted: dict[str, str]
    ) -> None:
        try:
            held = await cache.holdings(channel)
        except IndexBroken:
            log.warning("a cache of a channel is made anew", exc_info=True)
            self._levelled.clear()  # FTS5 keeps all channels in one file
            await cache.drop(channel)
            held = {}
        for video_id in held.keys() - wanted.keys():
            await cache.drop(channel, video_id)
        for video_id, recipe in wanted.items():
            if held.get(video_id) != recipe:
                await self._put(channel, cache, video_id, recipe)

    async def _put(
        self, channel: str, cache: VectorIndex | KeywordIndex, video_id: str, recipe: str
    ) -> None:
        pieces, found = await self.chunks.load([video_id])
        if cache is self.keywords:
            await self.keywords.put(channel, video_id, recipe, pieces)
        elif found is not None:
            await self.vectors.put(channel, video_id, recipe, pieces, found)


def made_by(recipe: str) -> str:
    """The embedder of the chunks' vectors; empty if they have none."""
    return recipe.partition(" ")[2]


def _recipe(pieces: Sequence[Chunk], embedder: str) -> str:
    """Changes with the chunks' texts, times and embedder. The digest has no blank in it."""
    content = repr([(piece.start_s, piece.end_s, piece.indexed) for piece in pieces])
    return f"{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:16]} {embedder}"
