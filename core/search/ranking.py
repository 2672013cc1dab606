"""Rank a video's chunks for a question, fuse rankings, and join adjacent hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.model import Chunk, Hit
from core.ports import KeywordRanker, Vectors
from core.text.tokens import tokenise

RRF_K = 60
KEYWORD_WEIGHT, VECTOR_WEIGHT = 1.0, 1.0


@dataclass(frozen=True, slots=True)
class VideoScope:
    """One video prepared for many questions; tokenising its text is the slow part."""

    chunks: Sequence[Chunk]
    vectors: Vectors | None
    ranker: KeywordRanker
    tokens: Sequence[Sequence[str]]

    @classmethod
    def of(
        cls, chunks: Sequence[Chunk], vectors: Vectors | None, ranker: KeywordRanker
    ) -> VideoScope:
        """Tokenise the chunks. `vectors`: one row per chunk, or None."""
        return cls(chunks, vectors, ranker, [tokenise(chunk.indexed) for chunk in chunks])

    def rank(self, question: str, vector: Vectors | None, limit: int) -> list[Hit]:
        """Return the best hits by keywords and, where both sides have vectors, by exact cosine."""
        if not self.chunks:
            return []
        by_key = {chunk.key: chunk for chunk in self.chunks}
        scores = self.ranker.scores(tokenise(question), self.tokens)
        rankings = [[self.chunks[i].key for i in _descending(scores) if scores[i] > 0]]
        if vector is not None and self.vectors is not None:
            # Rows have length 1, so the dot product is the cosine.
            rankings.append([self.chunks[i].key for i in _descending(self.vectors @ vector)])
        found = fuse(rankings, (KEYWORD_WEIGHT, VECTOR_WEIGHT)[: len(rankings)], limit)
        return [Hit(by_key[key], score) for key, score in found]


def fuse(
    rankings: Sequence[Sequence[str]], weights: Sequence[float], limit: int
) -> list[tuple[str, float]]:
    """Return keys with their sum of weight / (60 + rank), best first: weighted reciprocal rank
    fusion (Cormack, Clarke and Büttcher 2009).

    >>> fuse([["a", "b"], ["b", "c"]], [1, 1], limit=2)[0][0]
    'b'
    """
    scores: defaultdict[str, float] = defaultdict(float)
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, key in enumerate(ranking, start=1):
            scores[key] += weight / (RRF_K + rank)
    return sorted(scores.items(), key=lambda item: -item[1])[:limit]


def join(hits: Sequence[Hit]) -> list[tuple[str, int, int]]:
    """Return ranges (video id, first segment, last segment), adjacent hits joined, best first.

    >>> chunk = Chunk("v", 0, 0, 1, first=0, last=3, heading="", text="")
    >>> other = Chunk("v", 1, 1, 2, first=4, last=6, heading="", text="")
    >>> join([Hit(other, 0.9), Hit(chunk, 0.1)])
    [('v', 0, 6)]
    """
    ordered = sorted(hits, key=lambda hit: (hit.chunk.video_id, hit.chunk.first))
    joined: list[tuple[str, int, int, float]] = []
    for hit in ordered:
        chunk = hit.chunk
        if joined and joined[-1][0] == chunk.video_id and chunk.first <= joined[-1][2] + 1:
            video_id, first, last, score = joined.pop()
            joined.append((video_id, first, max(last, chunk.last), max(score, hit.score)))
        else:
            joined.append((chunk.video_id, chunk.first, chunk.last, hit.score))
    best = sorted(joined, key=lambda found: -found[3])
    return [(video_id, first, last) for video_id, first, last, _ in best]


def _descending(scores: Vectors) -> list[int]:
    return [int(i) for i in np.argsort(-scores, kind="stable")]
