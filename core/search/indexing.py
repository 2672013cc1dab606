"""This file makes a video findable: chunks and vectors in the store, and in its channel's caches.

The store is the truth, the caches follow it: core/search/caches.py.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import EmbedderMissing, WorkerFailed, WorkerTimeout
from core.model import Chapter, Chunk, Progress, Transcript, Video
from core.ports import Chunks, Embedder, Library, ProgressCallback, Vectors
from core.search.caches import Caches, Notes
from core.search.chunking import chunk

log = logging.getLogger(__name__)

_EMBED_AT_ONCE = 16


@dataclass(slots=True)
class Indexer:
    """Writes what core/search/retriever.py reads."""

    chunks: Chunks
    library: Library
    embedder: Embedder
    caches: Caches

    async def index(
        self,
        video: Video,
        transcript: Transcript,
        chapters: Sequence[Chapter],
        on_progress: ProgressCallback,
    ) -> Notes:
        """Cuts and embeds the video unless that was done. Notes: `keyword_only`."""
        pieces = chunk(video, transcript, chapters)
        words_only = _recipe(pieces, "")
        wanted = _recipe(pieces, self.embedder.name)
        stored = await self.chunks.recipe(video.id)
        if stored == wanted:
            return ()
        try:
            found = await self._embed(pieces, on_progress)
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("no vectors for %s", video.id, exc_info=True)
            if stored != words_only:
                await self.chunks.save(video.id, words_only, pieces, None)
            return ("keyword_only",)
        await self.chunks.save(video.id, wanted, pieces, found)
        return ()

    async def is_done(
        self, video: Video, transcript: Transcript, chapters: Sequence[Chapter]
    ) -> bool:
        """Whether `index` has nothing left to do."""
        wanted = _recipe(chunk(video, transcript, chapters), self.embedder.name)
        return await self.chunks.recipe(video.id) == wanted

    async def add(self, channel: str, video_id: str) -> Notes:
        """The channel knows the video, and its caches do. Notes: `cache_rebuilding`.

        Raises UnknownVideo."""
        await self.library.add(channel, video_id)
        return (await self.caches.sync(channel)).notes

    async def drop(self, channel: str, video_ids: Sequence[str] | None = None) -> None:
        """Takes the videos, or the channel, out of the caches."""
        await self.caches.drop(channel, video_ids)

    async def _embed(self, pieces: Sequence[Chunk], on_progress: ProgressCallback) -> Vectors:
        on_progress(Progress("load"))
        await self.embedder.load()
        rows = []
        for first in range(0, len(pieces), _EMBED_AT_ONCE):
            on_progress(Progress("index", first / len(pieces)))
            texts = [piece.indexed for piece in pieces[first : first + _EMBED_AT_ONCE]]
            rows.append(await self.embedder.embed(texts, "passage"))
        return np.concatenate(rows)


def _recipe(pieces: Sequence[Chunk], embedder: str) -> str:
    """Changes with the chunks' texts, times and embedder. The digest has no blank in it."""
    content = repr([(piece.start_s, piece.end_s, piece.indexed) for piece in pieces])
    return f"{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:16]} {embedder}"
