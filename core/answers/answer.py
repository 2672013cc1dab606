"""This file has a language model answer a question from passages, each sentence with its source."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from core.answers.citations import Citations
from core.answers.prompt_fitting import FittedQuestion
from core.answers.suggested_questions import follow_up
from core.errors import CoreError, PromptTooLong
from core.language_model.context_budget import (
    QUESTIONS_TOKENS,
    count_tokens,
    question_tokens,
    reply_tokens,
)
from core.language_model.prompts import NOT_SAID, ask_for_questions
from core.language_model.replies import QuestionsDraft, parse, schema
from core.model import Answer, Passage, Turn
from core.ports import LanguageModel, Message
from core.text.safe_text import SafeStream

log = logging.getLogger(__name__)

_SHRINK = 0.8  # of the tokens that were too many
_MAY_BE_NOT_SAID = re.compile(r"\W*(?:N(?:O(?:N(?:E\W*)?)?)?)?", re.IGNORECASE)
_IS_NOT_SAID = re.compile(rf"\W*{NOT_SAID}(?![A-Za-z])")


async def answer(
    question: str,
    passages: Sequence[Passage],
    turns: Sequence[Turn],
    model: LanguageModel,
    language: str,
    max_tokens: int,
) -> AsyncGenerator[str | Answer]:
    """The text piece by piece, then the Answer, whose text is these pieces joined.

    `passages`: best first, cut from the end if they are too long, as `turns` are from the start;
    the answer's notes say so. Where the passages do not hold the answer it has no text and is not
    grounded. Raises what the model raises, also after some text."""
    asked = FittedQuestion(question, tuple(passages), tuple(turns), language)
    reply = Reply(passages)
    if passages:
        asked, first, pieces = await _begin(asked, model, max_tokens)
        reply = Reply(asked.passages)
        async with aclosing(pieces):
            if shown := reply.feed(first):
                yield shown
            async for piece in pieces:
                if shown := reply.feed(piece):
                    yield shown
                if reply.is_not_said:
                    break
        if shown := reply.close():
            yield shown
    found = reply.citations.found
    questions = await _questions(asked, reply, turns, model)
    yield Answer(question, reply.text, found, questions, bool(found), model.name, notes=asked.notes)


class Reply:
    """What the model says, as it comes: `raw`, and as `text` that is safe to show.

    There is no text where it gives the sign that the passages do not hold the answer. Until it is
    clear that it does not, the first letters are held back.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.citations = Citations(passages)
        self.raw = self.text = ""
        self.is_not_said = False
        self._begun = False
        self._stream = SafeStream(self.citations.mark)

    def feed(self, piece: str) -> str:
        """What can be shown now, maybe nothing."""
        self.raw += piece
        if not self._begun:
            if _MAY_BE_NOT_SAID.fullmatch(self.raw):
                return ""
            self._begun, piece = True, self.raw
            self.is_not_said = bool(_IS_NOT_SAID.match(self.raw))
        return "" if self.is_not_said else self._show(self._stream.feed(piece))

    def close(self) -> str:
        """The rest."""
        self.is_not_said = self.is_not_said or not self._begun
        return "" if self.is_not_said else self._show(self._stream.close())

    def _show(self, text: str) -> str:
        self.text += text
        return text


async def _begin(
    asked: FittedQuestion, model: LanguageModel, max_tokens: int
) -> tuple[FittedQuestion, str, AsyncGenerator[str]]:
    """The longest form of the question that the model takes, and the beginning of its reply."""
    left = question_tokens(model, max_tokens)
    asked = asked.fitted(model, left)
    while True:
        pieces = model.stream(asked.prompt, max_tokens=reply_tokens(model, max_tokens))
        try:
            return asked, await anext(pieces, ""), pieces
        except PromptTooLong:
            left = int(min(left, count_tokens(asked.prompt, model)) * _SHRINK)
            shorter = asked.shorter()
            if shorter is None:
                raise
            asked = shorter.fitted(model, left)


async def _questions(
    asked: FittedQuestion, reply: Reply, turns: Sequence[Turn], model: LanguageModel
) -> tuple[str, ...]:
    """The model's own by a second, short call; what it fails to give comes from elsewhere."""
    ready: list[str] = []
    said = Message("assistant", reply.raw.strip() or NOT_SAID)
    prompt = (*asked.prompt, said, ask_for_questions(asked.language))
    try:
        if asked.passages:
            written = await model.complete(
                prompt, max_tokens=QUESTIONS_TOKENS, schema=schema(QuestionsDraft)
            )
            ready = parse(written, QuestionsDraft).questions
    except CoreError as error:
        log.info("no questions by the model: %s", error)
    before = [turn.question for turn in turns]
    ready += turns[-1].answer.questions if turns else ()
    return await asyncio.to_thread(
        follow_up, asked.question, asked.passages, before, ready, asked.language
    )
