"""The seed's set-up as an arm to compare with: 100-character pieces that share 10 characters,
BM25 over words between blanks (weight 0.7) fused with vectors (weight 0.3).

It has no times and no refusals: its first five pieces stand for what it gave its language model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rank_bm25 import BM25Okapi

from core.search.ranking import fuse
from tests.eval.datasets import Recording, Span
from tests.eval.vectors import CachedEmbedder

PIECE, OVERLAP = 100, 10
BM25_WEIGHT, VECTOR_WEIGHT = 0.7, 0.3
PLACES = 5


class SeedSetup:
    def __init__(self, recordings: Sequence[Recording], embedder: CachedEmbedder) -> None:
        self._embedder = embedder
        self._by_id = {recording.video.id: recording for recording in recordings}
        self._pieces = {name: _pieces(recording) for name, recording in self._by_id.items()}
        self._ranked = {
            name: BM25Okapi([text.split() for text, _ in pieces])
            for name, pieces in self._pieces.items()
        }

    async def places(self, question: str, video_id: str) -> list[Span]:
        """Return the first five pieces as seconds."""
        pieces = self._pieces[video_id]
        rows = self._embedder.rows([text for text, _ in pieces], "passage")
        by_vector = rows @ self._embedder.rows([question], "question")[0]
        by_word = self._ranked[video_id].get_scores(question.split())
        rankings = [
            [str(i) for i in np.argsort(-scores, kind="stable")] for scores in (by_word, by_vector)
        ]
        found = fuse(rankings, (BM25_WEIGHT, VECTOR_WEIGHT), PLACES)
        return [pieces[int(key)][1] for key, _ in found]


def _pieces(recording: Recording) -> list[tuple[str, Span]]:
    """Cut the text at blanks into pieces of at most 100 characters, with their seconds."""
    words = [
        (word, sentence.start_s + share * (sentence.end_s - sentence.start_s))
        for sentence in recording.sentences
        for word, share in _placed(sentence.text)
    ]
    pieces: list[tuple[str, Span]] = []
    first = 0
    while first < len(words):
        after, length = first, 0
        while after < len(words) and (after == first or length + len(words[after][0]) <= PIECE):
            length += len(words[after][0]) + 1
            after += 1
        text = " ".join(word for word, _ in words[first:after])
        pieces.append((text, Span(words[first][1], words[after - 1][1])))
        if after == len(words):
            break
        first = max(after - _shared(words[first:after]), first + 1)
    return pieces


def _shared(words: Sequence[tuple[str, float]]) -> int:
    """Return how many of the last words fit into the overlap."""
    count = length = 0
    for word, _ in reversed(words):
        length += len(word) + 1
        if length > OVERLAP + 1:
            break
        count += 1
    return count


def _placed(text: str) -> list[tuple[str, float]]:
    words = text.split()
    return [(word, i / len(words)) for i, word in enumerate(words)]
