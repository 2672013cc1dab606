"""Index a video: chunks and vectors into the store, then into its channel's caches.

The store is the source of truth; the caches follow it (core/search/caches.py).
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

_EMBED_BATCH = 16


@dataclass(slots=True)
class Indexer:
    """The writing side of search; core/search/retriever.py is the reading side."""

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
        """Chunk and embed the video unless that is done. Notes: `keyword_only`."""
        chunks = chunk(video, transcript, chapters)
        without_vectors = _recipe(chunks, "")
        wanted = _recipe(chunks, self.embedder.name)
        stored = await self.chunks.recipe(video.id)
        if stored == wanted:
            return ()
        sentences = [segment.text for segment in transcript.segments]
        try:
            vectors = await self._embed([chunk.indexed for chunk in chunks], sentences, on_progress)
        except (EmbedderMissing, WorkerFailed, WorkerTimeout):
            log.warning("no vectors for %s", video.id, exc_info=True)
            if stored != without_vectors:
                await self.chunks.save(video.id, without_vectors, chunks, None)
            return ("keyword_only",)
        of_chunks, of_sentences = vectors[: len(chunks)], vectors[len(chunks) :]
        await self.chunks.save(video.id, wanted, chunks, of_chunks, of_sentences)
        return ()

    async def is_indexed(
        self, video: Video, transcript: Transcript, chapters: Sequence[Chapter]
    ) -> bool:
        """Whether `index` has nothing left to do."""
        wanted = _recipe(chunk(video, transcript, chapters), self.embedder.name)
        return await self.chunks.recipe(video.id) == wanted

    async def add(self, channel: str, video_id: str, file_name: str = "") -> Notes:
        """Add the video to the channel and its caches. Notes: `cache_rebuilding`.

        `file_name`: as in `Library.add`. Raises UnknownVideo."""
        await self.library.add(channel, video_id, file_name)
        return (await self.caches.sync(channel)).notes

    async def drop(self, channel: str, video_ids: Sequence[str] | None = None) -> None:
        """Remove the videos, or the whole channel, from the caches."""
        await self.caches.drop(channel, video_ids)

    async def _embed(
        self, chunks: Sequence[str], sentences: Sequence[str], on_progress: ProgressCallback
    ) -> Vectors:
        """Return the chunks' rows and then the sentences'."""
        on_progress(Progress("load"))
        await self.embedder.load()
        texts = [*chunks, *sentences]
        rows = []
        for first in range(0, len(texts), _EMBED_BATCH):
            on_progress(Progress("index", first / len(texts)))
            rows.append(await self.embedder.embed(texts[first : first + _EMBED_BATCH], "passage"))
        return np.concatenate(rows)


def _recipe(chunks: Sequence[Chunk], embedder: str) -> str:
    """Return "digest embedder": changes with the chunks' texts, times and embedder, and once for
    the vectors of sentences, which older recipes do not include."""
    content = "sentences" + repr([(chunk.start_s, chunk.end_s, chunk.indexed) for chunk in chunks])
    return f"{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:16]} {embedder}"
