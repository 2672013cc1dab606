"""Read the chunks that a search has found, with what is said in them, in one transaction.

It is plain SQL: SQLAlchemy would compile the list of pairs for every search, and the query must
start from the pairs, or it reads every chunk of a video.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, select

from core.backends.storage import tables as t
from core.model import Chunk, Segment
from core.ports import FoundChunk, Vectors

_Pair = tuple[str, int]
"""A chunk's video and number."""

_WANTED = "WITH wanted (video_id, number) AS (VALUES {pairs})"
_ARE_WANTED = "c.video_id = wanted.video_id AND c.number = wanted.number"
_CHUNKS = f"""{_WANTED}
SELECT c.video_id, c.number, c.start_s, c.end_s, c.first, c.last, c.heading, c.text
FROM wanted CROSS JOIN chunks AS c WHERE {_ARE_WANTED}
"""
_SEGMENTS = f"""{_WANTED}
SELECT c.video_id, c.number, s.start_s, s.end_s, s.text
FROM wanted CROSS JOIN chunks AS c CROSS JOIN segments AS s
WHERE {_ARE_WANTED} AND s.video_id = c.video_id AND s.number BETWEEN c.first AND c.last
ORDER BY s.number
"""
# Only the rows of the chunk leave the database; a matrix may hold thousands.
_VECTORS = f"""{_WANTED}, sized AS (
    SELECT c.video_id, c.number, c.first, c.last - c.first + 1 AS size,
        CAST((SELECT count(*) FROM chunks AS o
              WHERE o.video_id = c.video_id AND o.number < c.number) AS integer) AS place,
        CAST((SELECT count(*) FROM chunks AS o
              WHERE o.video_id = c.video_id) AS integer) AS chunks,
        CAST((SELECT count(*) FROM segments AS s
              WHERE s.video_id = c.video_id) AS integer) AS sentences
    FROM wanted CROSS JOIN chunks AS c WHERE {_ARE_WANTED}
), split AS (
    SELECT sized.*, k.vectors, k.sentence_vectors,
        length(k.vectors) / chunks AS width,
        length(k.sentence_vectors) / nullif(sentences, 0) AS sentence_width
    FROM sized JOIN chunkings AS k ON k.video_id = sized.video_id
)
SELECT video_id, number,
    length(vectors) - width * chunks AS torn, substr(vectors, place * width + 1, width),
    length(sentence_vectors) - sentence_width * sentences AS sentences_torn, sentence_width,
    substr(sentence_vectors, first * sentence_width + 1, size * sentence_width)
FROM split
"""
_VIDEOS = (
    select(t.videos.c.id, t.videos.c.video, t.library.c.file_name)
    .join(t.library)
    .where(
        t.library.c.channel == bindparam("channel"),
        t.library.c.video_id.in_(bindparam("ids", expanding=True)),
    )
)


def read_found(
    channel: str, keys: Sequence[str], with_vectors: bool, connection: Connection
) -> list[FoundChunk]:
    """See Chunks.found. Raises ValueError if a matrix misses rows."""
    parts = (key.rpartition(":") for key in keys)
    pairs = [(video_id, int(number)) for video_id, _, number in parts]
    ids = {"channel": channel, "ids": list({video_id for video_id, _ in pairs})}
    known = {
        video_id: video.named(file_name)
        for video_id, video, file_name in connection.execute(_VIDEOS, ids)
    }
    pairs = [pair for pair in dict.fromkeys(pairs) if pair[0] in known]
    if not pairs:
        return []
    chunks = {(row[0], row[1]): Chunk(*row) for row in _select(connection, _CHUNKS, pairs)}
    said: defaultdict[_Pair, list[Segment]] = defaultdict(list)
    for video_id, number, *rest in _select(connection, _SEGMENTS, pairs):
        said[video_id, number].append(Segment(*rest))
    vectors = _vectors(connection, pairs) if with_vectors else {}
    return [
        FoundChunk(known[pair[0]], chunks[pair], tuple(said[pair]), *vectors.get(pair, ()))
        for pair in pairs
        if pair in chunks
    ]


def _vectors(
    connection: Connection, pairs: Sequence[_Pair]
) -> Mapping[_Pair, tuple[Vectors | None, Vectors | None]]:
    """Return each chunk's vector and those of its sentences."""
    found = {}
    for video_id, number, torn, own, sentences_torn, width, of_sentences in _select(
        connection, _VECTORS, pairs
    ):
        if torn or sentences_torn:
            raise ValueError("a matrix misses a part of a row")
        vector = np.frombuffer(own, "<f4") if own else None
        rows = np.frombuffer(of_sentences, "<f2").reshape(-1, width // 2) if of_sentences else None
        found[video_id, number] = vector, None if rows is None else rows.astype(np.float32)
    return found


def _select(connection: Connection, query: str, pairs: Sequence[_Pair]) -> Sequence[Any]:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    values = ", ".join([f"({mark}, {mark})"] * len(pairs))
    return connection.exec_driver_sql(
        query.format(pairs=values), tuple(part for pair in pairs for part in pair)
    ).all()
