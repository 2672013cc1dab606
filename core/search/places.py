"""Find the sentences that may answer a question: the best one of each chunk that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.model import Hit, Passage, Place, Segment
from core.ports import Chunks, FoundChunk, Vectors
from core.search.nearness import Background, nearness, nearness_across, shared
from core.search.ranking import question_tokens, standard_scores
from core.search.scopes import Scores
from core.text.languages import language_of, spoken_language
from core.text.tokens import tokenise

PLACES = 5
"""How many places an answer shows."""
MIN_CHARACTERS = 60
"""Shorter sentences are shown with the ones after them: "Yes." says nothing alone."""
_LANGUAGE_SENTENCES = 40
"""Sentences that tell a passage's language."""
_SENTENCE_WEIGHT = 0.8
"""Of the best sentence's cosine in the order of the places; fitted on QMSum."""


@dataclass(slots=True)
class PlaceFinder:
    """Finds places in chunks that were retrieved, by the vectors of their sentences."""

    chunks: Chunks
    background: Background

    async def find(
        self, question: str, vector: Vectors | None, scores: Scores, channel: str
    ) -> list[Place]:
        """Return the best sentence of each chunk, best first. `vector`: the question's."""
        query = _Query(tuple(question_tokens(question)), language_of(question))
        if vector is not None:
            background = await self.background.mean(vector)
            query = replace(query, vector=vector, background=background)
        score_of = dict(scores)
        found = await self.chunks.found(channel, list(score_of), with_vectors=vector is not None)
        cosines = _cosines(found, vector)
        places = [
            await self._place(query, chunk, score_of[chunk.chunk.key], cosine)
            for chunk, cosine in zip(found, cosines, strict=True)
            if chunk.segments
        ]
        return _best_first(places, query)

    async def cosines(self, sentence: str, passages: Sequence[Passage]) -> Vectors | None:
        """Compare a sentence with every sentence of the passages, in order.

        0: as near as unrelated sentences; 1: the same. None if the embedder fails, or can't compare
        their languages; 0 for sentences that have no vectors."""
        vector = await self.background.embed(sentence)
        if vector is None:
            return None
        language = language_of(sentence)
        rows = await self.chunks.sentence_vectors(list({p.video.id for p in passages}))
        found = []
        for passage in passages:
            own = rows.get(passage.video.id)
            compared = await self._compare(vector, language, passage, own)
            if compared is None:
                return None
            found.append(compared)
        return np.concatenate(found).astype(np.float32)

    async def can_compare(self, question: str, hits: Sequence[Hit]) -> bool:
        """Whether the embedder knows the languages of the question and of all hits."""
        language = language_of(question)
        if not any(_is_across(language, spoken_language(hit.chunk.text)) for hit in hits):
            return True
        return await self.background.knows_korean()

    async def _compare(
        self, vector: Vectors, language: str, passage: Passage, rows: Vectors | None
    ) -> Vectors | None:
        """`rows`: the vectors of all the video's sentences."""
        if rows is None:
            return np.zeros(len(passage.segments), dtype=np.float32)
        rows = rows[passage.first : passage.first + len(passage.segments)]
        spoken = spoken_language(" ".join(s.text for s in passage.segments[:_LANGUAGE_SENTENCES]))
        if _is_across(language, spoken):
            if not await self.background.knows_korean():
                return None
            told = await self.background.without_language(rows, spoken, "passage")
            return told @ await self.background.without_language(vector, language, "passage")
        background = await self.background.mean(vector)
        compared: Vectors = (rows @ vector - background) / (1 - background)
        return compared

    async def _place(
        self, query: _Query, chunk: FoundChunk, score: float, cosine: float | None
    ) -> _Found:
        """Return the chunk's best sentence."""
        scores = query.scores(chunk.segments, chunk.sentence_vectors)
        best = int(np.argmax(scores))
        across = await self._across(query, chunk)
        return _Found(
            chunk, _widen(chunk.segments, best), score, cosine, float(scores[best]), across
        )

    async def _across(self, query: _Query, found: FoundChunk) -> float | None:
        """Return the chunk's nearness if it is in another language than the question.

        0 if the embedder can't compare the two."""
        rows, spoken = found.sentence_vectors, spoken_language(found.chunk.text)
        if query.vector is None or rows is None or not _is_across(query.language, spoken):
            return None
        if not await self.background.knows_korean():
            return 0.0
        told = await self.background.without_language(rows, spoken, "passage")
        asked = await self.background.without_language(query.vector, query.language, "question")
        return nearness_across(asked, told)


@dataclass(frozen=True, slots=True)
class _Query:
    tokens: tuple[str, ...]
    language: str
    vector: Vectors | None = None
    background: float = 0.0

    def scores(self, segments: Sequence[Segment], rows: Vectors | None) -> Vectors:
        """Return a score for each segment: its cosine, or the words it shares."""
        if self.vector is None or rows is None:
            found = [shared(self.tokens, tokenise(segment.text)) for segment in segments]
            return np.array(found, dtype=np.float32)
        cosines: Vectors = rows[: len(segments)] @ self.vector
        return cosines

    def nearness(self, found: _Found) -> float:
        if found.across is not None:
            return found.across
        words = shared(self.tokens, tokenise(found.chunk.chunk.indexed))
        if found.cosine is None:
            return words
        return nearness(found.cosine, found.of_sentence, self.background, words)


@dataclass(frozen=True, slots=True)
class _Found:
    chunk: FoundChunk
    segments: tuple[Segment, ...]
    score: float
    cosine: float | None
    """Of the chunk with the question, where both have vectors."""
    of_sentence: float
    across: float | None


def _cosines(found: Sequence[FoundChunk], vector: Vectors | None) -> list[float | None]:
    """Compare the question with all chunks, or with none if one has no vector of its size."""
    rows = [chunk.vector for chunk in found]
    if vector is None or any(row is None or row.shape != vector.shape for row in rows):
        return [None] * len(rows)
    return [float(row @ vector) for row in rows if row is not None]


def _is_across(language: str, spoken: str) -> bool:
    """Whether two known languages differ."""
    return bool(language and spoken) and language != spoken


def _best_first(found: Sequence[_Found], query: _Query) -> list[Place]:
    hits = standard_scores(np.array([one.score for one in found], dtype=np.float32))
    sentences = standard_scores(np.array([one.of_sentence for one in found], dtype=np.float32))
    order = np.argsort(-(hits + _SENTENCE_WEIGHT * sentences), kind="stable")
    best = (found[i] for i in order)
    return [Place(one.chunk.video, one.segments, query.nearness(one)) for one in best]


def _widen(segments: Sequence[Segment], best: int) -> tuple[Segment, ...]:
    after = best + 1
    while after < len(segments) and sum(len(s.text) for s in segments[best:after]) < MIN_CHARACTERS:
        after += 1
    return tuple(segments[best:after])
