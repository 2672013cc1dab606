"""A video's chunks and their vectors: `Chunks` over a database.

A matrix that misses rows raises ValueError while it is read, which Database reports as StoreBroken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
from sqlalchemy import Connection, and_, delete, false, func, insert, or_, select

from core.backends.storage import tables as t
from core.backends.storage.database import Database
from core.backends.storage.found_chunks import read_found
from core.backends.storage.locks import hold
from core.backends.storage.revisions import mark_video_changed
from core.model import Chunk, Segment
from core.ports import FoundChunk, SegmentRange, Vectors


class SqlChunks:
    """Fulfils `Chunks`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self,
        video_id: str,
        recipe: str,
        chunks: Sequence[Chunk],
        vectors: Vectors | None,
        sentence_vectors: Vectors | None = None,
    ) -> None:
        """Raises UnknownVideo."""
        row = {
            "video_id": video_id,
            "recipe": recipe,
            "vectors": _bytes(vectors, "<f4"),
            "sentence_vectors": _bytes(sentence_vectors, "<f2"),
        }
        rows = [asdict(chunk) for chunk in chunks]
        async with self._database.write() as connection:
            await hold(connection, [video_id])
            await connection.execute(delete(t.chunkings).where(t.chunkings.c.video_id == video_id))
            await connection.execute(insert(t.chunkings), row)
            if rows:
                await connection.execute(insert(t.chunks), rows)
            await mark_video_changed(connection, video_id)

    async def recipe(self, video_id: str) -> str | None:
        query = select(t.chunkings.c.recipe).where(t.chunkings.c.video_id == video_id)
        return await self._database.fetch(lambda db: db.scalar(query))

    async def load(self, video_ids: Sequence[str]) -> tuple[list[Chunk], Vectors | None]:
        c, v = t.chunks.c, t.chunkings.c
        query = select(t.chunks).where(c.video_id.in_(video_ids)).order_by(c.number)
        matrices = select(v.video_id, v.vectors).where(v.video_id.in_(video_ids))

        def read(connection: Connection) -> tuple[list[Chunk], Vectors | None]:
            stored = {row.video_id: row.vectors for row in connection.execute(matrices)}
            by_video: dict[str, list[Chunk]] = {video_id: [] for video_id in video_ids}
            for row in connection.execute(query):
                by_video[row.video_id].append(Chunk(*row))
            parts = [_matrix(stored[video_id], len(of)) for video_id, of in by_video.items() if of]
            return [chunk for of in by_video.values() for chunk in of], _stacked(parts)

        return await self._database.fetch(read)

    async def found(
        self, channel: str, keys: Sequence[str], *, with_vectors: bool = False
    ) -> list[FoundChunk]:
        if not keys:
            return []
        return await self._database.fetch(partial(read_found, channel, keys, with_vectors))

    async def sentence_vectors(self, video_ids: Sequence[str]) -> dict[str, Vectors]:
        v, s = t.chunkings.c, t.segments.c
        rows = select(func.count()).where(s.video_id == v.video_id).scalar_subquery()
        query = select(v.video_id, v.sentence_vectors, rows).where(v.video_id.in_(video_ids))

        def read(connection: Connection) -> dict[str, Vectors]:
            return {
                video_id: np.frombuffer(stored, "<f2").reshape(count, -1).astype(np.float32)
                for video_id, stored, count in connection.execute(query)
                if stored and count
            }

        return await self._database.fetch(read)

    async def segments(self, ranges: Sequence[SegmentRange]) -> list[list[Segment]]:
        s = t.segments.c
        of_ranges = [
            and_(s.video_id == video_id, s.number.between(first, last))
            for video_id, first, last in ranges
        ]
        columns = s.video_id, s.number, s.start_s, s.end_s, s.text
        query = select(*columns).where(or_(false(), *of_ranges))
        rows = await self._database.fetch(lambda db: db.execute(query).all()) if ranges else []
        found = {(video_id, number): Segment(*rest) for video_id, number, *rest in rows}
        return [
            [found[video_id, n] for n in range(first, last + 1) if (video_id, n) in found]
            for video_id, first, last in ranges
        ]


def _bytes(vectors: Vectors | None, kind: str) -> bytes | None:
    return None if vectors is None else np.ascontiguousarray(vectors, kind).tobytes()


def _matrix(stored: bytes | None, rows: int) -> Vectors | None:
    return None if stored is None else np.frombuffer(stored, "<f4").reshape(rows, -1)


def _stacked(parts: Sequence[Vectors | None]) -> Vectors | None:
    """Join the matrices; None if one is missing or their row lengths differ."""
    whole = [part for part in parts if part is not None]
    if not whole or len(whole) < len(parts) or len({part.shape[1] for part in whole}) > 1:
        return None
    return np.concatenate(whole)
