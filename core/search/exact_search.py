"""Search a channel without its caches: slower but exact, in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from heapq import nlargest

import numpy as np

from core.model import Chunk
from core.ports import Chunks, KeywordRanker, Vectors
from core.text.tokens import tokenise

MAX_RANKED = 4000
"""Chunks compared by words, about a hundred hours; tokenising them takes a second."""
_BATCH = 16
"""Videos in memory at a time, a few megabytes."""


async def nearest(
    chunks: Chunks, video_ids: Sequence[str], vector: Vectors, limit: int
) -> list[str]:
    """Return chunk keys of all videos by cosine, best first. All vectors come from one embedder."""
    best: list[tuple[float, str]] = []
    for batch in _batches(video_ids):
        found, vectors = await chunks.load(batch)
        if vectors is not None:
            scores = vectors @ vector  # rows of length 1: the cosine
            top = np.argsort(-scores, kind="stable")[:limit]
            best = nlargest(limit, [*best, *((float(scores[i]), found[i].key) for i in top)])
    return [key for _, key in best]


async def matching(
    chunks: Chunks,
    video_ids: Sequence[str],
    ranker: KeywordRanker,
    tokens: Sequence[str],
    limit: int,
) -> tuple[list[str], bool]:
    """Return chunk keys by BM25, best first, among the first MAX_RANKED chunks, and whether these
    were all.

    BM25 weighs every text against all others, so the chunks cannot be ranked batch by batch."""
    candidates: list[Chunk] = []
    for batch in _batches(video_ids):
        candidates += (await chunks.load(batch))[0]
        if len(candidates) > MAX_RANKED:
            break
    found = await asyncio.to_thread(_rank, ranker, tokens, candidates[:MAX_RANKED], limit)
    return found, len(candidates) <= MAX_RANKED


def _rank(
    ranker: KeywordRanker, tokens: Sequence[str], candidates: Sequence[Chunk], limit: int
) -> list[str]:
    scores = ranker.scores(tokens, [tokenise(chunk.indexed) for chunk in candidates])
    best = np.argsort(-scores, kind="stable")[:limit]
    return [candidates[i].key for i in best if scores[i] > 0]


def _batches(video_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(video_ids), _BATCH):
        yield video_ids[start : start + _BATCH]
