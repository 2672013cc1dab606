"""The product itself as an arm: its core over real texts, with a real embedder."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from core.model import Answer, SearchResult, Transcript
from core.pipeline.front import Pipeline
from core.pipeline.question_search import QuestionSearch
from core.pipeline.timing import Stopwatch
from core.ports import LanguageModel
from core.search.sentence_search import SentenceSearch
from core.summary.chapters import find_chapters
from tests.eval.datasets import Recording, Span
from tests.eval.vectors import CachedEmbedder
from tests.fakes.store import MemoryStore
from tests.harness.fake_core import FakeCore, ask, silent

CHANNEL = "evaluation"


class Product:
    """Real chunking, ranking and answers, with the store and the channel's caches in memory."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        embedder: CachedEmbedder,
        model: LanguageModel | None = None,
    ) -> None:
        self._recordings = recordings
        self._embedder = embedder
        self._core = FakeCore(
            Path(tempfile.gettempdir()), store=MemoryStore(), embedder=embedder, model=model
        )
        self._pipeline: Pipeline | None = None
        self._asked = 0

    async def answer(self, question: str, video_id: str) -> Answer:
        """Ask about one video, in a conversation and a channel of its own: in a channel of several
        the others are asked where it has nothing."""
        pipeline = await self._opened()
        self._asked += 1
        return await ask(pipeline, question, video_id, video_id, f"thread {self._asked}")

    async def first_shown(self, question: str, video_id: str) -> float:
        """Ask in the video's own conversation; return when the first text was shown, or 0."""
        pipeline, shown_s = await self._opened(), 0.0
        stream = pipeline.answer(question, video_id, video_id, "conversation", silent)
        async for piece in stream:
            if isinstance(piece, str):
                shown_s = shown_s or monotonic()
        return shown_s

    async def places(self, question: str, video_id: str) -> list[Span]:
        """Return the places that the answer cites, in its order; none if it refuses."""
        answer = await self.answer(question, video_id)
        found = answer.citations if answer.text else ()
        return [Span(citation.start_s, citation.end_s) for citation in found]

    async def search(self, query: str, limit: int) -> list[tuple[str, Span]]:
        """Retrieve from all recordings; return video ids and places, best first."""
        retriever = (await self._opened())._questions.retriever
        vector = await retriever.embed_question(query)
        hits, _ = await retriever.hits(query, vector, CHANNEL, None, limit)
        return [(hit.chunk.video_id, Span(hit.chunk.start_s, hit.chunk.end_s)) for hit in hits]

    async def find(self, words: str, video_id: str) -> SearchResult:
        """Search one video for words, as /search does a channel."""
        questions = (await self._opened())._questions
        search = SentenceSearch(questions.retriever, questions.place_finder)
        return await search.find(words, await questions.retriever.scope(CHANNEL, video_id), 5)

    async def search_for(self, question: str, video_id: str) -> QuestionSearch:
        """Return the search that an answer about the video uses."""
        asks = (await self._opened())._questions
        watch = Stopwatch(asks.clock)
        return QuestionSearch(
            asks.retriever, asks.place_finder, question, video_id, video_id, watch, silent
        )

    async def _opened(self) -> Pipeline:
        if self._pipeline is None:
            self._pipeline = self._core.pipeline()
            for recording in self._recordings:
                await self._add(recording)
        return self._pipeline

    async def _add(self, recording: Recording) -> None:
        video, store = recording.video, self._core.store
        transcript = Transcript(video.id, recording.language, "captions", recording.sentences)
        self._embedder.rows([sentence.text for sentence in recording.sentences], "passage")
        await store.videos.save(video)
        await store.videos.save_transcript(transcript)
        indexer = self._core.ingest().indexer
        await indexer.index(video, transcript, find_chapters(video, transcript), silent)
        for channel in (CHANNEL, video.id):
            await indexer.add(channel, video.id)
