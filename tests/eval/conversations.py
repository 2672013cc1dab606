"""Questions that lean on a conversation: what searching with the one before brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.backends.bm25 import Bm25
from core.model import Chunk
from core.search.ranking import VideoScope
from core.text.follow_ups import in_context, leans
from tests.eval import datasets
from tests.eval.datasets import Conversation
from tests.eval.experiments import HITS
from tests.eval.metrics import ndcg, share
from tests.eval.tables import Table
from tests.eval.vectors import CachedEmbedder


def follow_ups(embedders: Sequence[CachedEmbedder]) -> Table:
    """Return how the passages of a conversation's last question are found."""
    collections = datasets.conversations()
    everything = [one for talks in collections.values() for one in talks]
    leaning = sum(leans(one.questions[-1]) for one in everything)
    rows = {}
    for embedder in embedders:
        alone = [hits for talks in collections.values() for hits in _ranked(talks, embedder, 0)]
        ours = [hits for talks in collections.values() for hits in _ranked(talks, embedder, 1)]
        both = list(zip(everything, alone, ours, strict=True))
        few = [(before, after) for one, before, after in both if leans(one.questions[-1])]
        rows[f"the last question alone, {embedder.name}"] = [
            *_figures([before for before, _ in few]),
            *_figures(alone),
        ]
        rows[f"ours, {embedder.name}"] = [*_figures([after for _, after in few]), *_figures(ours)]
    return Table(
        "follow-ups",
        "Questions that lean on a conversation",
        f"MTRAG-UN: the last questions of {len(everything)} conversations that have an answer, over"
        f" all passages of their collection. {leaning} lean on the ones before by their words; with"
        " these the last question that stands alone is searched for too.",
        ("leaning R@1", "leaning nDCG@10", "all R@1", "all nDCG@10"),
        rows,
        [f"ours, {one.name}" for one in embedders],
    )


def _ranked(
    conversations: Sequence[Conversation], embedder: CachedEmbedder, earlier: int
) -> Iterator[list[bool]]:
    """Yield for each conversation which of the passages found are right. `earlier`: 0 to search
    for the last question alone."""
    texts = list(dict.fromkeys(text for one in conversations for text in one.passages))
    chunks = [
        Chunk("passages", i, i, i + 1, first=i, last=i, heading="", text=text)
        for i, text in enumerate(texts)
    ]
    scope = VideoScope.of(chunks, embedder.rows(texts, "passage"), Bm25())
    for one in conversations:
        question = one.questions[-1]
        if earlier:
            question = in_context(question, one.questions[:-1])
        [vector] = embedder.rows([question], "question")
        yield [hit.chunk.text in one.passages for hit in scope.rank(question, vector, HITS)]


def _figures(ranked: Sequence[Sequence[bool]]) -> list[float]:
    return [share(hits[0] for hits in ranked), share(map(ndcg, ranked))]
