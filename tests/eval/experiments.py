"""What is measured: places of answers, search, refusals, and paragraphs across languages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from core.backends.bm25 import Bm25
from core.model import Chunk
from core.search.ranking import VideoScope
from core.text.query_words import QueryWords
from tests.eval.datasets import Paragraphs, Recording, Span
from tests.eval.metrics import is_relevant, ndcg, share
from tests.eval.product import Product
from tests.eval.vectors import CachedEmbedder

Places = Callable[[str, str], Awaitable[list[Span]]]
"""(question, video id) → places, best first; none: refused."""
HITS, PLACES, FOREIGN = 10, 5, 2


async def known_video(recordings: Sequence[Recording], places: Places) -> list[float]:
    """Return the share of answerable questions with places, with one of at most five in the gold
    span, and with the first in it."""
    shown, one_of_five, first = [], [], []
    for recording in recordings:
        for question in recording.questions:
            if question.gold:
                found = await places(question.text, recording.video.id)
                hits = [is_relevant(place, question.gold) for place in found[:PLACES]]
                shown.append(bool(found))
                one_of_five.append(any(hits))
                first.append(hits[:1] == [True])
    return [share(shown), share(one_of_five), share(first)]


async def channel(recordings: Sequence[Recording], product: Product) -> list[float]:
    """Return hit@10 and hit@1 of searches in the channel of all recordings."""
    at_ten, at_one = [], []
    for recording in recordings:
        for question in recording.questions:
            found = await product.search(question.text, HITS)
            hits = [
                video_id == recording.video.id and is_relevant(place, question.gold)
                for video_id, place in found
            ]
            at_ten.append(any(hits))
            at_one.append(hits[:1] == [True])
    return [share(at_ten), share(at_one)]


async def refusals(recordings: Sequence[Recording], product: Product) -> list[float]:
    """Return three shares: own questions that are answered, questions of another subject that are
    refused, and those that are refused or answered only with the nearest places, told as such.

    A foreign question is asked of two recordings."""
    own, foreign = [], []
    for number, recording in enumerate(recordings):
        others = [other for other in recordings if other.subject != recording.subject]
        for i, question in enumerate(recording.questions):
            own.append(await product.answer(question.text, recording.video.id))
            for k in range(min(FOREIGN, len(others))):
                other = others[(number * 7 + i * FOREIGN + k) % len(others)]
                foreign.append(await product.answer(question.text, other.video.id))
    return [
        share(bool(answer.text) for answer in own),
        share(not answer.text for answer in foreign),
        share(not answer.text or answer.partly for answer in foreign),
    ]


async def searches(recordings: Sequence[Recording], product: Product) -> list[float]:
    """Return three shares: questions as bare words that find something in their own recording, and
    those that find nothing near, and not all their words said, in two about something else."""
    own, foreign = [], []
    for number, recording in enumerate(recordings):
        others = [other for other in recordings if other.subject != recording.subject]
        for i, question in enumerate(recording.questions):
            words = " ".join(QueryWords.of(f"{question.text}?").tokens_of)
            own.append(await product.find(words, recording.video.id))
            for k in range(min(FOREIGN, len(others))):
                other = others[(number * 7 + i * FOREIGN + k) % len(others)]
                foreign.append(await product.find(words, other.video.id))
    return [
        share(bool(found.said or found.nearest) for found in own),
        share(not found.nearest for found in foreign),
        share(not any(place.nearness == 1 for place in found.said) for found in foreign),
    ]


async def unanswerable(recordings: Sequence[Recording], places: Places) -> list[float]:
    """Return precision and recall of refusals among answerable and unanswerable questions."""
    pairs = [
        (not question.gold, not await places(question.text, recording.video.id))
        for recording in recordings
        for question in recording.questions
    ]
    right = [should for should, refused in pairs if refused]
    caught = [refused for should, refused in pairs if should]
    return [share(right), share(caught)]


def paragraphs(texts: Paragraphs, embedder: CachedEmbedder) -> list[float]:
    """Return R@1 and nDCG@10 of the product's ranking of one video's chunks, a paragraph each."""
    chunks = [
        Chunk("paragraphs", i, i, i + 1, first=i, last=i, heading="", text=text)
        for i, text in enumerate(texts.texts)
    ]
    scope = VideoScope.of(chunks, embedder.rows(texts.texts, "passage"), Bm25())
    vectors = embedder.rows([question for question, _ in texts.questions], "question")
    ranked = [
        [hit.chunk.number == gold for hit in scope.rank(question, vector, HITS)]
        for (question, gold), vector in zip(texts.questions, vectors, strict=True)
    ]
    return [share(hits[:1] == [True] for hits in ranked), float(np.mean([*map(ndcg, ranked)]))]
