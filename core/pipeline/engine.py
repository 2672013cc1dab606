"""Summarise and answer by the language model, or by the video's own sentences without one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from core.answers.asked import Asked
from core.answers.extractive import extract_answer
from core.answers.generative import answer
from core.answers.grounding import AnswerSearch
from core.errors import CoreError
from core.language_model.context_budget import fits
from core.language_model.question_priority import QuestionPriority, YieldingModel
from core.model import EXTRACTIVE, LLM_AWAY, Answer, Passage, Summary, Transcript, Video
from core.ports import Checkpoints, LanguageModel, ProgressCallback
from core.summary.checkpoints import notes_recipe_prefix
from core.summary.extractive import extract_summary
from core.summary.generative import summarise

log = logging.getLogger(__name__)

MAX_WHOLE_CHARACTERS = 120_000
"""The extractive engine reads transcripts up to this length, two spoken hours, whole: retrieval
could only lose sentences."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Who summarises and answers. `model`: None if the settings want none. If it is unavailable or
    fails, extraction replaces it, with a note for the user; with `insist` a question raises its
    error, but a summary never does."""

    model: LanguageModel | None
    check: Callable[[], Awaitable[object]]
    """Raises the model's error, within seconds."""
    insist: bool
    max_answer_tokens: int
    checkpoints: Checkpoints
    """Notes on the parts of a long video, kept until its summary is stored."""
    _priority: QuestionPriority = field(default_factory=QuestionPriority)

    async def model_for_answer(self) -> LanguageModel | None:
        """The model, if it is wanted and available. With `insist`, raises its error."""
        if self.model and self.insist:
            await self.check()
            return self.model
        return await self.model_for_summary()

    async def model_for_summary(self) -> LanguageModel | None:
        """The model, if it is wanted and available."""
        if self.model is None:
            return None
        try:
            await self.check()
        except CoreError as error:
            log.warning("no language model: %s", error)
            return None
        return self.model

    def recipe(self, language: str) -> str:
        """Name the best summary that the settings allow. An extractive one has one language."""
        return f"{self.model.name} {language}" if self.model else EXTRACTIVE

    async def summarise(
        self,
        model: LanguageModel | None,
        video: Video,
        transcript: Transcript,
        language: str,
        on_progress: ProgressCallback,
    ) -> Summary:
        """Summarise by `model`, from model_for_summary, or by extraction if it fails. Questions
        interrupt it between requests."""
        if model:
            yielding = YieldingModel(model, self._priority)
            try:
                return await summarise(
                    video, transcript, yielding, language, on_progress, checkpoints=self.checkpoints
                )
            except CoreError:
                log.warning("the language model failed to summarise", exc_info=True)
        return await asyncio.to_thread(extract_summary, video, transcript)

    async def clear_notes(self, video_id: str, language: str) -> None:
        """Delete the notes of a stored summary, but not those of one in another language."""
        await self.checkpoints.clear(video_id, notes_recipe_prefix(self.recipe(language)))

    def reads_whole(self, model: LanguageModel | None, passage: Passage) -> bool:
        """Whether a question is answered from the whole passage, without retrieval."""
        if model is None:
            return sum(len(segment.text) for segment in passage.segments) <= MAX_WHOLE_CHARACTERS
        return fits([passage], model, self.max_answer_tokens)

    async def answer(
        self,
        model: LanguageModel | None,
        asked: Asked,
        search: AnswerSearch,
    ) -> AsyncGenerator[str | Answer]:
        """Yield the answer's text piece by piece, then the Answer. `search`: for the
        question's nearest places and what supports the answer."""
        if model:
            is_started = False
            try:
                stream = answer(asked, model, self.max_answer_tokens, search)
                async with aclosing(self._priority.answering(stream)) as pieces:
                    async for piece in pieces:
                        is_started = True
                        yield piece
                return
            except CoreError:
                if is_started or self.insist:
                    raise
                log.warning("the language model failed to answer", exc_info=True)
        found = await asyncio.to_thread(extract_answer, asked, await search.places())
        if found.text:
            yield found.text
        yield replace(found, notes=self.notes(found.engine))

    def notes(self, engine: str) -> tuple[str, ...]:
        """Codes for the user about the engine that did the work."""
        is_fallback = engine == EXTRACTIVE and self.model is not None
        return (LLM_AWAY,) if is_fallback else ()
