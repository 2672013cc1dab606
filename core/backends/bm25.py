"""Rank a handful of texts in memory by BM25 with rank-bm25."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rank_bm25 import BM25Plus

from core.ports import Vectors


class Bm25:
    """A `KeywordRanker` with BM25+ (Lv and Zhai 2011).

    With few texts, Okapi BM25 scores a word that is in half of them 0, and in more of them below
    0."""

    def scores(self, question: Sequence[str], texts: Sequence[Sequence[str]]) -> Vectors:
        """Score each text above 0 if it contains a word of the question, otherwise 0."""
        asked = set(question)
        matching = np.array([not asked.isdisjoint(text) for text in texts], dtype=bool)
        if not matching.any():  # also avoids rank-bm25's division by zero for empty texts
            return np.zeros(len(texts), dtype=np.float32)
        scores = BM25Plus(texts).get_scores(question)
        return np.where(matching, scores, 0).astype(np.float32)
