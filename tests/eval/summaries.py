"""Compare extractive summaries with people's, next to simple ones of the same length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from core.model import Transcript
from core.summary.extractive import extract_summary
from core.text.tokens import tokenise
from tests.eval.datasets import Recording
from tests.eval.metrics import share

Order = Callable[[Sequence[str]], Iterable[int]]
_DAMPING, _ROUNDS, _SIMILAR = 0.85, 50, 0.1


def compare(recordings: Sequence[Recording]) -> dict[str, list[float]]:
    """Return the mean ROUGE-1 against the recordings' overviews: F1, precision and recall. Every
    arm gets as many words as our points have."""
    rows: dict[str, list[list[float]]] = {"ours": [], "lead": [], "LexRank": []}
    for recording in recordings:
        texts = [sentence.text for sentence in recording.sentences]
        ours = our_points(recording)
        size = len(" ".join(ours).split())
        arms = {"ours": ours, "lead": texts, "LexRank": [texts[i] for i in lexrank(texts)]}
        for name, said in arms.items():
            written = " ".join(said).split()[:size]
            rows[name].append(rouge_1(" ".join(written), recording.overview))
    return {
        name: [share(column) for column in zip(*row, strict=True)] for name, row in rows.items()
    }


def our_points(recording: Recording) -> list[str]:
    """Return the points of the product's summary without a language model."""
    video, segments = recording.video, tuple(recording.sentences)
    transcript = Transcript(video.id, recording.language, "captions", segments)
    return [point.text for point in extract_summary(video, transcript).points]


def rouge_1(written: str, reference: str) -> list[float]:
    """Return F1, precision and recall of single words, stemmed, without stop words (Lin 2004).

    >>> rouge_1("Bees dance in the hive.", "The bees dance.")
    [0.8, 0.6666666666666666, 1.0]
    """
    own, theirs = Counter(tokenise(written)), Counter(tokenise(reference))
    both = (own & theirs).total()
    precision, recall = both / max(own.total(), 1), both / max(theirs.total(), 1)
    return [2 * precision * recall / max(precision + recall, 1e-9), precision, recall]


def lexrank(texts: Sequence[str]) -> list[int]:
    """Return the sentences' indexes by centrality among cosines of TF-IDF (Erkan and Radev 2004),
    with the threshold of that paper, best first."""
    counts = [Counter(tokenise(text)) for text in texts]
    having = Counter(token for count in counts for token in count)
    columns = {token: i for i, token in enumerate(having)}
    rows = np.zeros((len(texts), len(columns)), dtype=np.float32)
    for row, count in zip(rows, counts, strict=True):
        for token, number in count.items():
            row[columns[token]] = number * math.log(len(texts) / having[token])
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    linked = (rows @ rows.T > _SIMILAR).astype(np.float32)
    linked /= np.maximum(linked.sum(axis=1, keepdims=True), 1)
    rank = np.full(len(texts), 1 / len(texts), dtype=np.float32)
    for _ in range(_ROUNDS):
        rank = (1 - _DAMPING) / len(texts) + _DAMPING * (linked.T @ rank)
    return [int(i) for i in np.argsort(-rank, kind="stable")]
