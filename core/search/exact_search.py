"""This file searches a channel without its caches: slower, never wrong, in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from heapq import nlargest

import numpy as np

from core.model import Chunk
from core.ports import Chunks, KeywordRanker, Vectors
from core.text.tokens import tokenise

RANKED = 4000
"""Chunks whose words are compared, about a hundred hours; cutting them up takes a second."""
_AT_ONCE = 16
"""Videos in memory at a time, a few megabytes."""


async def nearest(
    chunks: Chunks, video_ids: Sequence[str], vector: Vectors, limit: int
) -> list[str]:
    """Chunk keys by cosine, best first, of all the videos' chunks. All have vectors of one kind."""
    best: list[tuple[float, str]] = []
    for part in _parts(video_ids):
        found, vectors = await chunks.load(part)
        if vectors is not None:
            scores = vectors @ vector  # rows of length 1: the cosine
            top = np.argsort(-scores, kind="stable")[:limit]
            best = nlargest(limit, [*best, *((float(scores[i]), found[i].key) for i in top)])
    return [key for _, key in best]


async def matching(
    chunks: Chunks, video_ids: Sequence[str], ranker: KeywordRanker, question: str, limit: int
) -> list[str]:
    """Chunk keys by BM25, best first, of the first RANKED chunks: it weighs every text against
    all others, so that they cannot be read part by part."""
    pool: list[Chunk] = []
    for part in _parts(video_ids):
        pool += (await chunks.load(part))[0]
        if len(pool) >= RANKED:
            break
    return await asyncio.to_thread(_rank, ranker, question, pool[:RANKED], limit)


def _rank(ranker: KeywordRanker, question: str, pool: Sequence[Chunk], limit: int) -> list[str]:
    scores = ranker.scores(tokenise(question), [tokenise(chunk.indexed) for chunk in pool])
    best = np.argsort(-scores, kind="stable")[:limit]
    return [pool[i].key for i in best if scores[i] > 0]


def _parts(video_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(video_ids), _AT_ONCE):
        yield video_ids[start : start + _AT_ONCE]
