"""Answer questions about a channel's videos, search them, and suggest further questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

from core.answers.asked import Asked
from core.answers.extractive import MIN_NEARNESS_ELSEWHERE, is_near
from core.answers.suggested_questions import follow_up
from core.answers.translation import translate
from core.config import Language
from core.errors import EmptyQuestion, NothingToAsk, UnknownVideo
from core.model import (
    ELSEWHERE,
    EXTRACTIVE,
    Answer,
    Asker,
    Passage,
    SearchResult,
    Summary,
    Turn,
    Video,
)
from core.pipeline.engine import Engine
from core.pipeline.question_search import QuestionSearch
from core.pipeline.timing import Stopwatch
from core.ports import Clock, LanguageModel, Library, ProgressCallback, Threads, Videos
from core.search.places import PlaceFinder
from core.search.retriever import Retriever
from core.search.sentence_search import SentenceSearch
from core.text.display import one_line
from core.text.follow_ups import in_context
from core.text.languages import language_of

TURNS = 6
"""Turns of the conversation that a question is understood by."""
MAX_TURNS = 1000
"""Turns of the conversation whose questions are not suggested again."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """An answer and the passages that it was made of."""

    answer: Answer
    passages: Sequence[Passage]

    def from_elsewhere(self, own: _Answered) -> _Answered:
        """The same, marked as made of videos that were not asked about. `own`: of the one that was;
        the conversation is about it too."""
        answer = replace(self.answer, notes=(ELSEWHERE, *self.answer.notes))
        return _Answered(answer, (*own.passages, *self.passages))


@dataclass(frozen=True, slots=True)
class Questions:
    """What a channel can ask of its videos."""

    videos: Videos
    library: Library
    threads: Threads
    retriever: Retriever
    place_finder: PlaceFinder
    engine: Engine
    language: Language
    clock: Clock

    async def answer(
        self,
        question: str,
        channel: str,
        video_id: str | None,
        thread: str,
        on_progress: ProgressCallback,
        asker: Asker,
    ) -> AsyncGenerator[str | Answer]:
        """See Pipeline.answer."""
        watch = Stopwatch(self.clock)
        question = _cleaned(question)
        video = await self._scope(channel, video_id)
        turns = await self.threads.turns(channel, thread, TURNS)
        model = await self.engine.model_for_answer()
        search = QuestionSearch(
            self.retriever,
            self.place_finder,
            in_context(question, [turn.question for turn in turns]),
            channel,
            video.id if video else None,
            watch,
            on_progress,
            translate=partial(translate, model) if model else None,
        )
        passages = await self._whole(video, model) or await search.passages()
        spoken = language_of(question) or asker.language or self.language
        suggestions = await self._suggestions(video, spoken)
        asked = Asked(question, passages, spoken, turns, suggestions)
        async with aclosing(self._in_video_or_elsewhere(model, asked, search, video)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    watch.text()
                    yield piece
                    continue
                answer = replace(piece.answer, timings=watch.timings())
                about = list(dict.fromkeys(passage.video.id for passage in piece.passages))
                turn = Turn(question, answer)
                await self.threads.add(channel, thread, turn, about, asker)
                yield answer

    async def _in_video_or_elsewhere(
        self, model: LanguageModel | None, asked: Asked, search: QuestionSearch, video: Video | None
    ) -> AsyncGenerator[str | _Answered]:
        """Answer from the video; where it has nothing, from the channel's other videos."""
        async with aclosing(self._answer(model, asked, search)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield piece
                else:
                    own = piece
        wider = search.elsewhere() if video and not own.answer.grounded else None
        if wider is None or not is_near(await wider.places(), MIN_NEARNESS_ELSEWHERE):
            yield own
            return
        asked = replace(asked, passages=await wider.passages(), suggestions=())
        async with aclosing(self._answer(model, asked, wider)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield piece
                else:
                    yield piece.from_elsewhere(own) if piece.answer.grounded else own

    async def _answer(
        self, model: LanguageModel | None, asked: Asked, search: QuestionSearch
    ) -> AsyncGenerator[str | _Answered]:
        async with aclosing(self.engine.answer(model, asked, search)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield piece
                else:
                    answer = replace(piece, notes=search.notes + piece.notes)
                    yield _Answered(answer, asked.passages)

    async def search(self, query: str, channel: str, limit: int) -> SearchResult:
        """See Pipeline.search."""
        query = _cleaned(query)
        scope = await self.retriever.scope(channel, None)
        if scope.videos < 2 and (video := await self._scope(channel, None)):
            scope = await self.retriever.scope(channel, video.id)
        search = SentenceSearch(self.retriever, self.place_finder)
        return await search.find(query, scope, limit)

    async def more_questions(
        self, channel: str, video_id: str, thread: str, language: str
    ) -> tuple[str, ...]:
        """See Pipeline.more_questions."""
        video = await self._scope(channel, video_id)
        transcript = await self.videos.transcript(video_id)
        if video is None or transcript is None:
            raise UnknownVideo(video_id)
        turns = await self.threads.turns(channel, thread, MAX_TURNS)
        asked = [question for turn in turns for question in (turn.question, *turn.answer.questions)]
        language = language or self.language
        asked += await self._suggestions(video, language)
        whole = [Passage(video, transcript.segments)]
        return await asyncio.to_thread(follow_up, "", whole, asked, (), (), language)

    async def summary(self, video_id: str, language: str = "") -> Summary | None:
        """See Pipeline.summary. `language`: the one to prefer, "" for the program's."""
        languages = dict.fromkeys((language or self.language, self.language, *get_args(Language)))
        for recipe in (*map(self.engine.recipe, languages), EXTRACTIVE):
            if found := await self.videos.summary(video_id, recipe):
                return found
        return None

    async def _scope(self, channel: str, video_id: str | None) -> Video | None:
        """The video asked about, which may be the channel's only one. None: all of the channel."""
        if video_id is not None:
            if video := await self.library.get(channel, video_id):
                return video
            raise UnknownVideo(video_id)
        videos = await self.library.page(channel, 2)
        if not videos:
            raise NothingToAsk(channel)
        return videos[0] if len(videos) == 1 else None

    async def _whole(self, video: Video | None, model: LanguageModel | None) -> list[Passage]:
        """The whole video if one can be read whole, else nothing."""
        transcript = await self.videos.transcript(video.id) if video else None
        whole = Passage(video, transcript.segments) if video and transcript else None
        return [whole] if whole and self.engine.reads_whole(model, whole) else []

    async def _suggestions(self, video: Video | None, language: str) -> tuple[str, ...]:
        summary = await self.summary(video.id, language) if video else None
        return summary.questions if summary else ()


def _cleaned(words: str) -> str:
    """One line, without characters that tokenisers reject. Raises EmptyQuestion if none is left."""
    if cleaned := one_line(words):
        return cleaned
    raise EmptyQuestion()
