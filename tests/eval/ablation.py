"""What each choice of retrieval brings: chunk length, overlap, weights, the sentence shown, and the
score that tells a question's own video from others.

Runs on the meetings with small functions of its own; the product has one setting of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.backends.bm25 import Bm25
from core.ports import Vectors
from core.search.ranking import fuse
from core.text.question_words import subject_of
from core.text.tokens import tokenise
from tests.eval.datasets import Question, Recording, Span
from tests.eval.experiments import FOREIGN, PLACES
from tests.eval.metrics import auc, is_relevant, share
from tests.eval.tables import Table
from tests.eval.vectors import CachedEmbedder


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to find places. `words`: of a chunk; `overlap`: its share of the next one; `subject`:
    the vector of what the question is about alone; `neighbours`: weight of the chunks beside one in
    its vector; `alike`: what a chunk loses that is the same as a better one."""

    words: int = 180
    overlap: float = 0.0
    keyword: float = 1.0
    vector: float = 1.0
    fusion: Literal["scores", "ranks"] = "scores"
    sentence: Literal["cosine", "words", "middle"] = "cosine"
    subject: bool = False
    neighbours: float = 0.0
    alike: float = 0.0


BASE = Setting()
SETTINGS = {
    "180 words, BM25 + cosine by standard scores, best sentence by cosine": BASE,
    "chunks of 60 words": replace(BASE, words=60),
    "chunks of 120 words": replace(BASE, words=120),
    "chunks of 300 words": replace(BASE, words=300),
    "half of a chunk shared": replace(BASE, overlap=0.5),
    "vectors only": replace(BASE, keyword=0.0),
    "BM25 only": replace(BASE, vector=0.0),
    "BM25 at half weight": replace(BASE, keyword=0.5),
    "fused by ranks (RRF)": replace(BASE, fusion="ranks"),
    "sentence by BM25": replace(BASE, sentence="words"),
    "the sentence in the chunk's middle": replace(BASE, sentence="middle"),
}
RANKINGS = {
    "base": BASE,
    "the vector of the question's subject": replace(BASE, subject=True),
    "vectors with a quarter of the neighbours'": replace(BASE, neighbours=0.25),
    "vectors with half of the neighbours'": replace(BASE, neighbours=0.5),
    "other subjects first (MMR)": replace(BASE, alike=1.0),
    "BM25 at half weight": replace(BASE, keyword=0.5),
    "BM25 at one and a half": replace(BASE, keyword=1.5),
    "fused by ranks (RRF)": replace(BASE, fusion="ranks"),
}


class _Scope:
    """A recording cut into chunks of one length."""

    def __init__(self, recording: Recording, setting: Setting, embedder: CachedEmbedder) -> None:
        self.places = [Span(s.start_s, s.end_s) for s in recording.sentences]
        self.chunks = list(_chunks(recording, setting))
        sentences = [sentence.text for sentence in recording.sentences]
        texts = [" ".join(sentences[first:after]) for first, after in self.chunks]
        self.rows = _with_neighbours(embedder.rows(texts, "passage"), setting.neighbours)
        self.sentence_rows = embedder.rows(sentences, "passage")
        self.tokens = [tokenise(text) for text in texts]
        self.sentence_tokens = [tokenise(text) for text in sentences]

    def find(self, question: str, vector: Vectors, setting: Setting) -> list[Span]:
        """Return a sentence of each of the five best chunks."""
        by_word = Bm25().scores(tokenise(question), self.tokens)
        by_vector = self.rows @ vector
        if setting.fusion == "ranks":
            rankings = [
                [str(i) for i in np.argsort(-s, kind="stable")] for s in (by_word, by_vector)
            ]
            best = [int(key) for key, _ in fuse(rankings, (1, 1), PLACES)]
        else:
            scores = setting.keyword * _standard(by_word) + setting.vector * _standard(by_vector)
            best = self._best(scores, setting.alike)
        shown = self._scores(question, vector, setting)
        return [self.places[self._shown(i, shown)] for i in best]

    def _best(self, scores: Vectors, alike: float) -> list[int]:
        """Return the best chunks: each once what it shares with those before it is taken away."""
        found: list[int] = []
        left = scores.copy()
        for _ in range(min(PLACES, len(left))):
            found.append(int(np.argmax(left)))
            shared = np.max(self.rows @ self.rows[found].T, axis=1)
            left = scores - alike * shared
            left[found] = -np.inf
        return found

    def nearness(self, question: str, vector: Vectors) -> dict[str, float]:
        """Return what could tell whether the recording is about the question."""
        asked = set(tokenise(question))
        chunk = float(np.max(self.rows @ vector))
        sentence = float(np.max(self.sentence_rows @ vector))
        words = max(len(asked & set(tokens)) for tokens in self.tokens) / max(len(asked), 1)
        return {
            "best chunk's cosine": chunk,
            "best sentence's cosine": sentence,
            "both cosines": chunk + sentence,
            "share of the words in one chunk": words,
            "both cosines + 0.4 × words": chunk + sentence + 0.4 * words,
        }

    def _scores(self, question: str, vector: Vectors, setting: Setting) -> Vectors | None:
        if setting.sentence == "middle":
            return None
        if setting.sentence == "words":
            return Bm25().scores(tokenise(question), self.sentence_tokens)
        return self.sentence_rows @ vector

    def _shown(self, chunk: int, scores: Vectors | None) -> int:
        first, after = self.chunks[chunk]
        if scores is None:
            return (first + after) // 2
        return first + int(np.argmax(scores[first:after]))


def places(recordings: Sequence[Recording], embedder: CachedEmbedder) -> Table:
    """Return places in the gold span for each setting."""
    rows = {}
    for name, setting in SETTINGS.items():
        hits = _hits(recordings, embedder, setting)
        rows[name] = [share(map(any, hits)), share(hit[:1] == [True] for hit in hits)]
    return Table(
        "ablation",
        "What each choice brings",
        f"{len(recordings)} meetings of QMSum, {embedder.name}. The first row is the base; each"
        " other one changes one thing.",
        ("one of five", "the first"),
        rows,
    )


def rankings(recordings: Sequence[Recording], embedder: CachedEmbedder) -> Table:
    """Return the same for ways to rank, apart for odd and even questions."""
    rows = {}
    for name, setting in RANKINGS.items():
        hits = _hits(recordings, embedder, setting)
        halves = hits[::2], hits[1::2]
        rows[name] = [
            *(share(map(any, half)) for half in halves),
            *(share(hit[:1] == [True] for hit in half) for half in halves),
        ]
    return Table(
        "rankings",
        "What ways to rank bring",
        f"{len(recordings)} meetings of QMSum, {embedder.name}: odd and even questions. The subject"
        " is the question without how it begins (“Summarize the discussion about”). The product"
        " searches for the subject. That was decided on its own chunks and all 237 questions (one"
        " of five .780 to .788 odd and .748 to .756 even, a question each; the first .483 to .500"
        " and .420 to .479); here, with 85 questions, one of five falls on the even ones. Nine ways"
        " to cut a question were compared with both halves in view, so no half was held out.",
        ("one of five, odd", "one of five, even", "the first, odd", "the first, even"),
        rows,
    )


def _hits(
    recordings: Sequence[Recording], embedder: CachedEmbedder, setting: Setting
) -> list[list[bool]]:
    """Tell for each question which of its places are in the marked span."""
    return [
        [is_relevant(place, question.gold) for place in found]
        for question, found in _found(recordings, embedder, setting)
    ]


def separation(recordings: Sequence[Recording], embedder: CachedEmbedder) -> Table:
    """Return how well each score tells own from foreign questions."""
    scopes = [_Scope(recording, BASE, embedder) for recording in recordings]
    own: list[dict[str, float]] = []
    foreign: list[dict[str, float]] = []
    for recording, scope in zip(recordings, scopes, strict=True):
        others = [
            o for r, o in zip(recordings, scopes, strict=True) if r.subject != recording.subject
        ]
        vectors = embedder.rows([q.text for q in recording.questions], "question")
        for i, (question, vector) in enumerate(zip(recording.questions, vectors, strict=True)):
            own.append(scope.nearness(question.text, vector))
            for k in range(FOREIGN):
                other = others[(i * FOREIGN + k) % len(others)]
                foreign.append(other.nearness(question.text, vector))
    rows = {
        name: _separated([one[name] for one in own], [one[name] for one in foreign])
        for name in own[0]
    }
    return Table(
        "separation",
        "Which score tells foreign questions",
        f"The same meetings, {embedder.name}: the area under the curve, the share of foreign"
        " questions refused where 5 % and 10 % of the own ones are, and the threshold at 5 %.",
        ("AUC", "refused at 5 %", "at 10 %", "threshold at 5 %"),
        rows,
    )


def _found(
    recordings: Sequence[Recording], embedder: CachedEmbedder, setting: Setting
) -> Iterator[tuple[Question, list[Span]]]:
    for recording in recordings:
        scope = _Scope(recording, setting, embedder)
        asked = [q.text for q in recording.questions]
        if setting.subject:
            asked = [subject_of(text) for text in asked]
        vectors = embedder.rows(asked, "question")
        for question, vector in zip(recording.questions, vectors, strict=True):
            yield question, scope.find(question.text, vector, setting)


def _separated(own: Sequence[float], foreign: Sequence[float]) -> list[float]:
    at_five, at_ten = np.quantile(own, (0.05, 0.10))
    refused = [share(score < least for score in foreign) for least in (at_five, at_ten)]
    return [auc(own, foreign), *refused, float(at_five)]


def _chunks(recording: Recording, setting: Setting) -> Iterator[tuple[int, int]]:
    """Yield ranges of whole sentences, end excluded."""
    lengths = [len(sentence.text.split()) for sentence in recording.sentences]
    first = 0
    while first < len(lengths):
        after, words = first, 0
        while after < len(lengths) and (after == first or words + lengths[after] <= setting.words):
            words += lengths[after]
            after += 1
        yield first, after
        if after == len(lengths):
            return
        shared = 0
        while after - 1 > first and shared + lengths[after - 1] <= setting.overlap * setting.words:
            after -= 1
            shared += lengths[after]
        first = after


def _with_neighbours(rows: Vectors, weight: float) -> Vectors:
    """Return each row with its neighbours', length 1."""
    mixed = rows.copy()
    mixed[1:] += weight * rows[:-1]
    mixed[:-1] += weight * rows[1:]
    scaled: Vectors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return scaled


def _standard(scores: Vectors) -> Vectors:
    """Return the scores in standard deviations from their mean."""
    standard: Vectors = (scores - scores.mean()) / (scores.std() + 1e-9)
    return standard
