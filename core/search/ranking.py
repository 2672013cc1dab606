"""Rank a video's chunks for a question, fuse rankings, and join adjacent hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from core.model import Chunk, Hit
from core.ports import KeywordRanker, Vectors
from core.text.query_words import QueryWords
from core.text.question_words import strip_question
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
        """Return the best hits by keywords and, where both sides have vectors, by exact cosine.

        All scores are known here, so they are added, each in standard deviations from its mean:
        on QMSum that finds more than the fusion of ranks."""
        if not self.chunks:
            return []
        scores = self.ranker.scores(question_tokens(question), self.tokens)
        if vector is None or self.vectors is None:
            best = [i for i in _descending(scores)[:limit] if scores[i] > 0]
            return [Hit(self.chunks[i], float(scores[i])) for i in best]
        cosines = self.vectors @ vector  # rows have length 1
        scores = standard_scores(scores) + standard_scores(cosines)
        best = _descending(scores)[:limit]
        return [Hit(self.chunks[i], float(scores[i])) for i in best]

    def with_words(self, words: QueryWords, limit: int) -> list[Chunk]:
        """Return chunks with any of the words, the best by keywords first."""
        scores = self.ranker.scores(words.tokens, self.tokens)
        having = (i for i in _descending(scores) if words.said_in(self.tokens[i]))
        return [self.chunks[i] for i in islice(having, limit)]

    def nearest(self, vector: Vectors, limit: int) -> list[Hit]:
        """Return the best hits by cosine alone; none without vectors."""
        if self.vectors is None:
            return []
        cosines = self.vectors @ vector
        best = _descending(cosines)[:limit]
        return [Hit(self.chunks[i], float(cosines[i])) for i in best]


def question_tokens(question: str) -> list[str]:
    """Tokenise what the question is about, or all of it if its words only ask."""
    return tokenise(strip_question(question)) or tokenise(question)


def standard_scores(scores: Vectors) -> Vectors:
    """Return the scores in standard deviations from their mean; zeros if all are equal."""
    deviation = float(scores.std()) if len(scores) else 0.0
    return (scores - scores.mean()) / deviation if deviation else np.zeros_like(scores)


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
