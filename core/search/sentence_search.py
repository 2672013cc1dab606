"""Search for sentences: those that say the query's words, and apart the nearest in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.model import Place, SearchResult, Segment, Video
from core.ports import Chunks, FoundChunk
from core.search.caches import SEARCH_CUT, Notes
from core.search.places import PlaceFinder
from core.search.retriever import Retriever
from core.search.scopes import Scope
from core.text.query_words import QueryWords
from core.text.tokens import tokenise

MIN_NEARNESS = 0.34
"""The least nearness of a sentence that is shown as near in meaning: of QMSum's questions as bare
words 94 % find one in their own meeting, 7 % in meetings about something else."""
MIN_SHARE = 0.5
"""The least share of the query's words that a sentence says, to be shown as saying them."""
_CANDIDATES = 25
"""Chunks searched for sentences. Some have the words only in their heading."""


@dataclass(frozen=True, slots=True)
class SentenceSearch:
    """Searches a channel, or one video of it."""

    retriever: Retriever
    place_finder: PlaceFinder

    async def find(self, query: str, scope: Scope, limit: int) -> SearchResult:
        """Return at most `limit` sentences of each kind, best first. See SearchResult."""
        said, unsaid = await _Words(scope, self.retriever.chunks, QueryWords.of(query)).said(limit)
        nearest, notes = await self._nearest(query, scope, limit)
        return SearchResult(
            said=tuple(said),
            nearest=tuple(place for place in nearest if not _is_among(place, said)),
            unsaid=unsaid,
            notes=(*scope.notes, *notes),
        )

    async def _nearest(self, query: str, scope: Scope, limit: int) -> tuple[list[Place], Notes]:
        vector = None
        if scope.has_vectors and await self.retriever.load():
            vector = await self.retriever.embed_question(query)
        if vector is None:
            return [], ("keyword_only",)
        scores = await scope.nearest(vector, limit)
        found = await self.place_finder.find(query, vector, scores, scope.channel)
        return [place for place in found if place.nearness >= MIN_NEARNESS], ()


@dataclass(frozen=True, slots=True)
class _Words:
    """Where one query's words are looked for."""

    scope: Scope
    chunks: Chunks
    words: QueryWords

    async def said(self, limit: int) -> tuple[list[Place], tuple[str, ...]]:
        """Return the sentences that say most words, and the words that none says."""
        keys = await self.scope.with_words(self.words, _CANDIDATES)
        found: list[_Found] = []
        missing = set(self.words.tokens_of)
        for chunk in await self.chunks.found(self.scope.channel, keys):
            in_chunk = self._in(chunk)
            missing -= in_chunk
            if len(found) < limit or found[-1].count < len(in_chunk):
                found += self._best(chunk)
                found = sorted(found, key=lambda one: -one.count)[:limit]
            if len(found) == limit and found[-1].count == len(self.words.tokens_of):
                break  # no sentence says more
        are_all = len(keys) < _CANDIDATES  # no other chunk has any of the words
        return self._places(found), await self._unsaid(missing, are_all)

    def _in(self, chunk: FoundChunk) -> frozenset[str]:
        return self.words.said_in(tokenise(chunk.chunk.text))

    def _best(self, chunk: FoundChunk) -> list[_Found]:
        """Return a chunk's first sentence with most words; none if it was replaced meanwhile."""
        found = [
            _Found(chunk.video, segment, len(self.words.said_in(tokenise(segment.text))))
            for segment in chunk.segments
        ]
        return [max(found, key=lambda one: one.count)] if found else []

    def _places(self, found: Sequence[_Found]) -> list[Place]:
        """Return those with the most words, unless even these say too few."""
        size = len(self.words.tokens_of)
        most = max((one.count for one in found), default=0)
        if not most or most < MIN_SHARE * size:
            return []
        return [
            Place(one.video, (one.segment,), one.count / size) for one in found if one.count == most
        ]

    async def _unsaid(self, missing: set[str], are_all: bool) -> tuple[str, ...]:
        """Return those of the words that no sentence says, in the query's order.

        A word that fills the candidates by their headings alone may be said further down, and any
        word where not all was searched."""
        words = {word: of for word, of in self.words.tokens_of.items() if word in missing}
        if SEARCH_CUT in self.scope.notes:
            return ()
        if are_all:
            return tuple(words)
        unsaid = []
        for word, tokens in words.items():
            keys = await self.scope.with_words(QueryWords({word: tokens}), _CANDIDATES)
            if len(keys) < _CANDIDATES:
                chunks = await self.chunks.found(self.scope.channel, keys)
                if not any(word in self._in(chunk) for chunk in chunks):
                    unsaid.append(word)
        return tuple(unsaid)


@dataclass(frozen=True, slots=True)
class _Found:
    video: Video
    segment: Segment
    count: int


def _is_among(place: Place, others: Sequence[Place]) -> bool:
    return any(
        place.video.id == other.video.id and set(place.segments) & set(other.segments)
        for other in others
    )
