"""Figures of retrieval and refusal. All are shares from 0 to 1, higher is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from tests.eval.datasets import Span


def is_relevant(place: Span, gold: Sequence[Span]) -> bool:
    """Whether half of the place is gold, or it holds all of a gold span.

    >>> is_relevant(Span(0, 10), [Span(5, 90)]), is_relevant(Span(0, 10), [Span(6, 90)])
    (True, False)
    >>> is_relevant(Span(0, 10), [Span(3, 4)])
    True
    """
    inside = sum(
        max(min(place.end_s, span.end_s) - max(place.start_s, span.start_s), 0.0) for span in gold
    )
    holds = any(place.start_s <= span.start_s and span.end_s <= place.end_s for span in gold)
    return holds or 2 * inside >= place.end_s - place.start_s


def ndcg(relevant: Sequence[bool], limit: int = 10) -> float:
    """Return the normalised discounted cumulative gain of a ranking with one relevant text.

    >>> ndcg([True, False]), round(ndcg([False, True]), 3), ndcg([False])
    (1.0, 0.631, 0.0)
    """
    ranks = [rank for rank, is_hit in enumerate(relevant[:limit], start=1) if is_hit]
    return 1 / math.log2(1 + ranks[0]) if ranks else 0.0


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the probability that a positive scores above a negative; half for ties.

    >>> auc([2, 3], [1, 2])
    0.875
    """
    ordered = np.sort(np.asarray(negative))
    below = np.searchsorted(ordered, positive, side="left")
    up_to = np.searchsorted(ordered, positive, side="right")
    return float(np.mean((below + up_to) / 2) / len(ordered))


def share(values: Iterable[float]) -> float:
    """Return the mean, and 0 for nothing.

    >>> share([True, False]), share([])
    (0.5, 0.0)
    """
    found = list(values)
    return sum(found) / len(found) if found else 0.0
