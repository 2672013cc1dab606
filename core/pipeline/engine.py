"""This file decides who sums up and answers: the language model, or the video's own sentences."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from core.answers.answer import answer
from core.answers.extractive import extract_answer
from core.errors import CoreError
from core.language_model.context_budget import fits
from core.language_model.question_priority import QuestionPriority, YieldingModel
from core.model import EXTRACTIVE, Answer, Passage, Summary, Transcript, Turn, Video
from core.ports import Checkpoints, LanguageModel, ProgressCallback
from core.summary.checkpoints import notes_recipe_prefix
from core.summary.extractive import extract_summary
from core.summary.summarise import summarise

log = logging.getLogger(__name__)

READS_CHARACTERS = 120_000
"""What the extractive engine looks through at once, two spoken hours: finding first would only lose
what it looks for."""


@dataclass(frozen=True, slots=True)
class Engine:
    """`model` is None where none is wanted. One that is away or fails is stood in for, and the
    user is told; with `insist` its errors are the answer."""

    model: LanguageModel | None
    check: Callable[[], Awaitable[object]]
    """Raises what is wrong with the model, quickly."""
    insist: bool
    max_answer_tokens: int
    checkpoints: Checkpoints
    """Where the notes of a long video are kept until its summary is."""
    _priority: QuestionPriority = field(default_factory=QuestionPriority)

    async def now(self) -> LanguageModel | None:
        """The model if it is wanted and there. Raises what is wrong with it if that must be."""
        if self.model is None:
            return None
        try:
            await self.check()
        except CoreError as error:
            if self.insist:
                raise
            log.info("no language model: %s", error)
            return None
        return self.model

    def recipe(self, language: str) -> str:
        """Names the best summary that the settings allow. Own sentences have but one language."""
        return f"{self.model.name} {language}" if self.model else EXTRACTIVE

    async def summarise(
        self,
        model: LanguageModel | None,
        video: Video,
        transcript: Transcript,
        language: str,
        on_progress: ProgressCallback,
    ) -> Summary:
        """By `model`, what `now` returned, or without one. Questions go first."""
        if model:
            patient = YieldingModel(model, self._priority)
            try:
                return await summarise(
                    video, transcript, patient, language, on_progress, checkpoints=self.checkpoints
                )
            except CoreError:
                if self.insist:
                    raise
                log.warning("the language model failed to sum up", exc_info=True)
        return await asyncio.to_thread(extract_summary, video, transcript)

    async def finished(self, video_id: str, language: str) -> None:
        """The model's summary is stored: its notes need not be kept. Others' are, of one in another
        language that was begun."""
        await self.checkpoints.clear(video_id, notes_recipe_prefix(self.recipe(language)))

    def reads_whole(self, model: LanguageModel | None, passage: Passage) -> bool:
        """Whether all of it is looked at for each question, so that nothing need be found first."""
        if model is None:
            return sum(len(segment.text) for segment in passage.segments) <= READS_CHARACTERS
        return fits([passage], model, self.max_answer_tokens)

    async def answer(
        self,
        model: LanguageModel | None,
        question: str,
        passages: Sequence[Passage],
        turns: Sequence[Turn],
        suggestions: Sequence[str],
        language: str,
    ) -> AsyncGenerator[str | Answer]:
        """The answer's text piece by piece, then the Answer. `suggestions`: questions at hand."""
        if model:
            said = False
            try:
                stream = answer(question, passages, turns, model, language, self.max_answer_tokens)
                async with aclosing(self._priority.answering(stream)) as pieces:
                    async for piece in pieces:
                        said = True
                        yield piece
                return
            except CoreError:
                if said or self.insist:
                    raise
                log.warning("the language model failed to answer", exc_info=True)
        asked = [turn.question for turn in turns]
        found = await asyncio.to_thread(
            extract_answer, question, passages, asked, suggestions, language
        )
        if found.text:
            yield found.text
        yield replace(found, notes=self.notes(found.engine))

    def notes(self, engine: str) -> tuple[str, ...]:
        """What to tell the user about who did it."""
        stood_in = engine == EXTRACTIVE and self.model is not None
        return ("llm_away",) if stood_in else ()
