"""Search the videos for one question: at the first need, and only once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.model import Hit, Passage, Place, Progress
from core.pipeline.timing import Stopwatch
from core.ports import ProgressCallback, Vectors
from core.search.places import PLACES, PlaceFinder
from core.search.retriever import Retriever
from core.text.languages import language_of, spoken_language

ONE_LANGUAGE = "one_language"
"""A note's code: the embedder reads only English, and the question and the videos differ."""
CHUNKS = 8
"""Chunks retrieved for a question, about ten spoken minutes."""
Translate = Callable[[str, str], Awaitable[str]]
"""(question, language) → the question in the language, or ""."""

_TOLD_AFTER_S = 0.5
"""Waiting for the embedder is told after this."""


@dataclass(slots=True)
class QuestionSearch:
    """The search for one question in a video, or in a channel if `video_id` is None: in all of it,
    or in all videos except one."""

    retriever: Retriever
    place_finder: PlaceFinder
    question: str
    channel: str
    video_id: str | None
    watch: Stopwatch
    on_progress: ProgressCallback
    except_video: str = ""
    translate: Translate | None = None
    notes: tuple[str, ...] = ()
    """Codes for the user: how the search was made, once it was."""
    _vector: Vectors | None = None
    _untranslated: list[Hit] | None = None
    _hits: list[Hit] | None = None
    _has_vectors: bool | None = None

    def elsewhere(self) -> QuestionSearch:
        """Return the search for the same question in the channel's other videos."""
        return QuestionSearch(
            self.retriever,
            self.place_finder,
            self.question,
            self.channel,
            None,
            self.watch,
            self.on_progress,
            except_video=self.video_id or "",
            translate=self.translate,
        )

    async def passages(self) -> list[Passage]:
        """Return the best chunks, neighbours joined, best first."""
        hits = await self._search()
        with self.watch.retrieving():
            return await self.retriever.passages(hits, self.channel)

    async def places(self) -> Sequence[Place]:
        """Return the sentences nearest to the question, best first."""
        hits = (await self._search())[:PLACES]
        with self.watch.retrieving():
            if self._vector is not None and not await self.place_finder.can_compare(
                self.question, hits
            ):
                self.notes = tuple(dict.fromkeys((*self.notes, ONE_LANGUAGE)))
            scores = [(hit.chunk.key, hit.score) for hit in hits]
            return await self.place_finder.find(self.question, self._vector, scores, self.channel)

    async def cosines(self, sentence: str, passages: Sequence[Passage]) -> Vectors | None:
        """See `AnswerSearch.cosines`."""
        if not await self._load():
            return None
        return await self.place_finder.cosines(sentence, passages)

    async def near(self, passages: Sequence[Passage]) -> NDArray[np.bool_]:
        """See `AnswerSearch.near`. Known within one language."""
        everywhere = np.ones(sum(len(p.segments) for p in passages), dtype=np.bool_)
        hits, asked = (await self._first_hits())[:PLACES], language_of(self.question)
        if any(spoken_language(hit.chunk.text) not in ("", asked) for hit in hits):
            return everywhere
        inside = [
            any(
                hit.chunk.video_id == passage.video.id and hit.chunk.first <= i <= hit.chunk.last
                for hit in hits
            )
            for passage in passages
            for i in range(passage.first, passage.first + len(passage.segments))
        ]
        return np.array(inside, dtype=np.bool_) if any(inside) else everywhere

    async def _search(self) -> list[Hit]:
        if self._hits is None:
            hits = await self._first_hits()
            if translated := await self._translated(hits):
                with self.watch.retrieving():
                    hits = await self._find(f"{self.question} {translated}")
            self._hits = hits
        return self._hits

    async def _first_hits(self) -> list[Hit]:
        """Search without a translation, which the language model makes."""
        if self._untranslated is None:
            by_vector = await self._load()
            with self.watch.retrieving():
                if by_vector:
                    self._vector = await self.retriever.embed_question(self.question)
                self._untranslated = await self._find(self.question)
        return self._untranslated

    async def _find(self, words: str) -> list[Hit]:
        found, self.notes = await self.retriever.hits(
            words,
            self._vector,
            self.channel,
            self.video_id,
            2 * CHUNKS if self.except_video else CHUNKS,
        )
        return [hit for hit in found if hit.chunk.video_id != self.except_video][:CHUNKS]

    async def _translated(self, hits: Sequence[Hit]) -> str:
        """Return the question in the language of most hits, or "" if that is its own.

        Without hits: in our other language."""
        asked = language_of(self.question)
        if self.translate is None or not asked:
            return ""
        spoken = Counter(spoken_language(hit.chunk.text) for hit in hits)
        other = "en" if asked == "ko" else "ko"
        language = spoken.most_common(1)[0][0] if spoken else other
        return await self.translate(self.question, language) if language == other else ""

    async def _load(self) -> bool:
        """Load the embedder once; return whether there are vectors to compare. Tells of it only if
        it takes long: mostly it is loaded already."""
        if self._has_vectors is None:
            tell = asyncio.get_running_loop().call_later(
                _TOLD_AFTER_S, self.on_progress, Progress("load")
            )
            try:
                with self.watch.loading():
                    self._has_vectors = await self.retriever.load_embedder(
                        self.channel, self.video_id
                    )
            finally:
                tell.cancel()
        return self._has_vectors
