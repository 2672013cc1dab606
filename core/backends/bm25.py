"""This file ranks a handful of texts by BM25 with rank-bm25, in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rank_bm25 import BM25Plus

from core.ports import Vectors


class Bm25:
    """`KeywordRanker` by BM25+ (Lv and Zhai 2011). Okapi gives a word that stands in half of few
    texts nothing, and one that stands in most of them less than nothing."""

    def scores(self, question: Sequence[str], texts: Sequence[Sequence[str]]) -> Vectors:
        """Above 0 where a word matches, else 0."""
        asked = set(question)
        matching = np.array([not asked.isdisjoint(text) for text in texts], dtype=bool)
        if not matching.any():  # also keeps empty texts away, which rank-bm25 divides by
            return np.zeros(len(texts), dtype=np.float32)
        scores = BM25Plus(texts).get_scores(question)
        return np.where(matching, scores, 0).astype(np.float32)
