"""Find the sentences that may answer a question: the best one of each chunk that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.model import Chunk, Hit, Passage, Place, Segment, Video
from core.ports import Chunks, Library, Vectors
from core.search.nearness import Background, nearness, nearness_across, shared
from core.search.ranking import question_tokens, standard_scores
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
    """Finds places among a retriever's hits, by the vectors of their sentences."""

    library: Library
    chunks: Chunks
    background: Background

    async def find(
        self, question: str, vector: Vectors | None, hits: Sequence[Hit], channel: str
    ) -> list[Place]:
        """Return the best sentence of each hit, best first. `vector`: the question's."""
        query = _Query(tuple(question_tokens(question)), language_of(question))
        if vector is not None:
            background = await self.background.mean(vector)
            query = replace(query, vector=vector, background=background)
        ids = list(dict.fromkeys(hit.chunk.video_id for hit in hits))
        known = {video.id: video for video in await self.library.get_many(channel, ids)}
        rows = await self.chunks.sentence_vectors(list(known))
        hits = [hit for hit in hits if hit.chunk.video_id in known]  # not forgotten meanwhile
        spoken = await self.chunks.segments([hit.chunk.segments for hit in hits])
        found = [
            await self._place(query, hit, known[video_id], segments, rows.get(video_id))
            for hit, segments in zip(hits, spoken, strict=True)
            if segments and (video_id := hit.chunk.video_id)  # else its transcript is replaced now
        ]
        return _best_first(found, query)

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
        self,
        query: _Query,
        hit: Hit,
        video: Video,
        segments: Sequence[Segment],
        rows: Vectors | None,
    ) -> _Found:
        """Return the hit's best sentence, of its `segments`. `rows`: the vectors of all the video's
        sentences."""
        chunk = hit.chunk
        rows = None if rows is None else rows[chunk.first : chunk.first + len(segments)]
        scores = query.scores(segments, rows)
        best = int(np.argmax(scores))
        across = None if rows is None else await self._across(query, chunk, rows)
        return _Found(video, _widen(segments, best), hit, float(scores[best]), across)

    async def _across(self, query: _Query, chunk: Chunk, rows: Vectors) -> float | None:
        """Return the chunk's nearness if it is in another language than the question.

        0 if the embedder can't compare the two."""
        spoken = spoken_language(chunk.text)
        if query.vector is None or not _is_across(query.language, spoken):
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
        words = shared(self.tokens, tokenise(found.hit.chunk.indexed))
        if self.vector is None or found.hit.cosine is None:
            return words
        return nearness(found.hit.cosine, found.score, self.background, words)


@dataclass(frozen=True, slots=True)
class _Found:
    video: Video
    segments: tuple[Segment, ...]
    hit: Hit
    score: float
    across: float | None


def _is_across(language: str, spoken: str) -> bool:
    """Whether two known languages differ."""
    return bool(language and spoken) and language != spoken


def _best_first(found: Sequence[_Found], query: _Query) -> list[Place]:
    hits = standard_scores(np.array([one.hit.score for one in found], dtype=np.float32))
    sentences = standard_scores(np.array([one.score for one in found], dtype=np.float32))
    order = np.argsort(-(hits + _SENTENCE_WEIGHT * sentences), kind="stable")
    return [Place(found[i].video, found[i].segments, query.nearness(found[i])) for i in order]


def _widen(segments: Sequence[Segment], best: int) -> tuple[Segment, ...]:
    after = best + 1
    while after < len(segments) and sum(len(s.text) for s in segments[best:after]) < MIN_CHARACTERS:
        after += 1
    return tuple(segments[best:after])
