"""Search for sentences: those that say the query's words, and apart the nearest in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.model import Chunk, Place, SearchResult, Segment
from core.search.caches import SEARCH_CUT, Notes
from core.search.places import PlaceFinder
from core.search.retriever import Retriever
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

    async def find(
        self, query: str, channel: str, video_id: str | None, limit: int
    ) -> SearchResult:
        """Return at most `limit` sentences of each kind, best first. See SearchResult."""
        scope = _Scope(self.retriever, QueryWords.of(query), channel, video_id)
        said, unsaid, notes = await scope.said(limit)
        nearest, more = await self._nearest(query, channel, video_id, limit)
        return SearchResult(
            said=tuple(said),
            nearest=tuple(place for place in nearest if not _is_among(place, said)),
            unsaid=unsaid,
            notes=tuple(dict.fromkeys(notes + more)),
        )

    async def _nearest(
        self, query: str, channel: str, video_id: str | None, limit: int
    ) -> tuple[list[Place], Notes]:
        vector = None
        if await self.retriever.load_embedder(channel, video_id):
            vector = await self.retriever.embed_question(query)
        if vector is None:
            return [], ("keyword_only",)
        hits, notes = await self.retriever.nearest(vector, channel, video_id, limit)
        found = await self.place_finder.find(query, vector, hits, channel)
        return [place for place in found if place.nearness >= MIN_NEARNESS], notes


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where one query's words are looked for."""

    retriever: Retriever
    words: QueryWords
    channel: str
    video_id: str | None

    async def said(self, limit: int) -> tuple[list[Place], tuple[str, ...], Notes]:
        """Return the sentences that say most words, and the words that none says."""
        chunks, notes = await self._with(self.words)
        spoken = await self.retriever.chunks.segments([chunk.segments for chunk in chunks])
        found: list[_Found] = []
        missing = set(self.words.tokens_of)
        for chunk, segments in zip(chunks, spoken, strict=True):
            in_chunk = self.words.said_in(tokenise(chunk.text))
            missing -= in_chunk
            if len(found) < limit or found[-1].count < len(in_chunk):
                found += self._best(chunk.video_id, segments)
                found = sorted(found, key=lambda one: -one.count)[:limit]
            if len(found) == limit and found[-1].count == len(self.words.tokens_of):
                break  # no sentence says more
        return await self._places(found), await self._unsaid(missing), notes

    def _best(self, video_id: str, segments: Sequence[Segment]) -> list[_Found]:
        """Return a chunk's first sentence with most words; none if it was replaced meanwhile."""
        found = [
            _Found(video_id, segment, len(self.words.said_in(tokenise(segment.text))))
            for segment in segments
        ]
        return [max(found, key=lambda one: one.count)] if found else []

    async def _places(self, found: Sequence[_Found]) -> list[Place]:
        """Return those with the most words, unless even these say too few."""
        size = len(self.words.tokens_of)
        most = max((one.count for one in found), default=0)
        if not most or most < MIN_SHARE * size:
            return []
        ids = sorted({one.video_id for one in found})
        known = {v.id: v for v in await self.retriever.library.get_many(self.channel, ids)}
        return [
            Place(known[one.video_id], (one.segment,), one.count / size)
            for one in found
            if one.count == most and one.video_id in known  # not forgotten meanwhile
        ]

    async def _unsaid(self, missing: set[str]) -> tuple[str, ...]:
        """Return those of the words that no sentence says, in the query's order.

        A word that fills the candidates by their headings alone may be said further down, and any
        word where not all was searched."""
        unsaid = []
        for word, tokens in self.words.tokens_of.items():
            if word in missing:
                chunks, notes = await self._with(QueryWords({word: tokens}))
                is_said = any(word in self.words.said_in(tokenise(c.text)) for c in chunks)
                if not is_said and len(chunks) < _CANDIDATES and SEARCH_CUT not in notes:
                    unsaid.append(word)
        return tuple(unsaid)

    async def _with(self, words: QueryWords) -> tuple[list[Chunk], Notes]:
        return await self.retriever.with_words(words, self.channel, self.video_id, _CANDIDATES)


@dataclass(frozen=True, slots=True)
class _Found:
    video_id: str
    segment: Segment
    count: int


def _is_among(place: Place, others: Sequence[Place]) -> bool:
    return any(
        place.video.id == other.video.id and set(place.segments) & set(other.segments)
        for other in others
    )
