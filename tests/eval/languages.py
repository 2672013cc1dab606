"""Questions and answers in another language than the video: what is refused, what is supported.

Belebele's parallel passages, ten to a recording, so that each recording is about something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.answers.grounding import MIN_SUPPORT_ACROSS_LANGUAGES
from core.ports import Vectors
from core.search.nearness import Background
from tests.eval import datasets, experiments
from tests.eval.datasets import Recording
from tests.eval.metrics import share
from tests.eval.product import Product
from tests.eval.tables import Table
from tests.eval.vectors import CachedEmbedder

_PASSAGES, _EVERY = 10, 3
"""Passages of a recording, and every which of its questions."""


async def across(data: Path, embedders: Sequence[CachedEmbedder]) -> Table:
    """Return what is answered and refused, and which sentences are kept, each way."""
    rows = {}
    for asked, told in (("ko", "en"), ("en", "ko")):
        videos = datasets.belebele_recordings(data, asked, told, _PASSAGES)
        answers = datasets.belebele_recordings(data, told, asked, _PASSAGES)
        for one in embedders:
            few = [datasets.with_every(video, _EVERY) for video in videos]
            own, foreign, _ = await experiments.refusals(few, Product(few, one))
            kept = await _kept(answers, videos, one)
            rows[f"{asked} → {told}, {one.name}"] = [own, foreign, *kept]
    return Table(
        "across",
        "Refused and supported across languages",
        "Belebele's passages, ten to a recording, without a language model: a third of the"
        " questions, each asked of its own recording and of two others; and each sentence of the"
        " passages, as if it were an answer's, compared with its translation's recording and with"
        " another one. Kept: supported there by some sentence.",
        ("own answered", "foreign refused", "true sentence kept", "foreign left out"),
        rows,
        list(rows),
    )


async def _kept(
    answers: Sequence[Recording], videos: Sequence[Recording], embedder: CachedEmbedder
) -> list[float]:
    """Return the share of sentences that their translation's recording supports, and of those that
    the next recording doesn't."""
    background = Background(embedder)
    if not await background.knows_korean():
        return [0.0, 1.0]  # not compared
    told = [await _rows(video, background, embedder) for video in videos]
    said = [await _rows(answer, background, embedder) for answer in answers]
    true = [_is_supported(rows, told[i]) for i, rows in enumerate(said)]
    foreign = [_is_supported(rows, told[i - 1]) for i, rows in enumerate(said)]
    return [share(np.concatenate(true)), share(~np.concatenate(foreign))]


async def _rows(recording: Recording, background: Background, embedder: CachedEmbedder) -> Vectors:
    rows = embedder.rows([sentence.text for sentence in recording.sentences], "passage")
    return await background.without_language(rows, recording.language, "passage")


def _is_supported(sentences: Vectors, told: Vectors) -> Vectors:
    supported: Vectors = (sentences @ told.T).max(axis=1) >= MIN_SUPPORT_ACROSS_LANGUAGES
    return supported
