"""Answer a question from passages with a language model, each sentence with its citations."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from core.answers.answer_sentences import AnswerSentence, SentenceStream
from core.answers.asked import Asked
from core.answers.citations import Citations
from core.answers.extractive import cite_places
from core.answers.grounding import AnswerSearch, Grounding
from core.answers.prompt_fitting import FittedQuestion
from core.answers.suggested_questions import follow_up
from core.errors import CoreError, PromptTooLong
from core.language_model.context_budget import (
    QUESTIONS_TOKENS,
    count_tokens,
    question_tokens,
    reply_tokens,
)
from core.language_model.prompts import NO_ANSWER, ask_for_questions
from core.language_model.replies import QuestionsDraft, parse, schema
from core.model import Answer, Passage, Turn
from core.ports import LanguageModel, Message
from core.text.safe_text import STREAM_CHARACTERS, SafeStream
from core.text.tokens import tokenise

log = logging.getLogger(__name__)

_MARKERS = 40  # characters that a sentence's markers may take
_SHRINK = 0.8  # the next limit as a share of the tokens that were too many
_POSSIBLE_NO_ANSWER = re.compile(r"\W*(?:N(?:O(?:N(?:E\W*)?)?)?)?", re.IGNORECASE)
_NO_ANSWER = re.compile(rf"\W*{NO_ANSWER}(?![A-Za-z])")


async def answer(
    asked: Asked, model: LanguageModel, max_tokens: int, search: AnswerSearch
) -> AsyncGenerator[str | Answer]:
    """Yield the text sentence by sentence, then the Answer, whose text is these pieces joined.

    Each sentence is shown with the places that support it; one that nothing supports is left out,
    and the answer is then only partly grounded. If nothing is left, or the model finds no answer,
    the text is empty and the citations are the nearest places. Too long a prompt loses the oldest
    turns first, then the last passages; the answer's notes say so. Raises the model's errors, also
    after some text."""
    question, passages = asked.question, tuple(asked.passages)
    fitted = FittedQuestion(question, passages, tuple(asked.turns), asked.language)
    reply = Reply(question, passages, search)
    if passages:
        fitted, first, pieces = await _start_reply(fitted, model, max_tokens)
        reply = Reply(question, fitted.passages, search)
        async with aclosing(pieces):
            if shown := await reply.feed(first):
                yield shown
            async for piece in pieces:
                if shown := await reply.feed(piece):
                    yield shown
                if reply.has_no_answer:
                    break
        if shown := await reply.close():
            yield shown
    found = reply.citations.found
    questions = await _suggest_questions(fitted, reply, asked.turns, model)
    yield Answer(
        question,
        reply.text,
        found or cite_places(await search.places() if passages else ()),
        questions,
        bool(found),
        model.name,
        notes=fitted.notes,
        partly=bool(found) and reply.left_out > 0,
    )


class Reply:
    """The model's streamed reply: `raw`, and `text`, its supported sentences with our markers.

    `text` stays empty if the reply is NO_ANSWER. The first letters are held back until this
    is certain.
    """

    def __init__(self, question: str, passages: Sequence[Passage], search: AnswerSearch) -> None:
        self.citations = Citations(passages)
        self.raw = self.text = ""
        self.has_no_answer = False
        self.left_out = 0
        """Sentences that nothing supports."""
        self._question = question
        self._started = False
        # The model's own markers stay in the text until its sentence is whole.
        self._stream = SafeStream(lambda numbers, _: f"[{numbers}]")
        self._sentences = SentenceStream()
        self._grounding = Grounding(passages, search)

    async def feed(self, piece: str) -> str:
        """Add a piece; return the text that can be shown now, or ""."""
        self.raw += piece
        if not self._started:
            if _POSSIBLE_NO_ANSWER.fullmatch(self.raw):
                return ""
            self._started, piece = True, self.raw
            self.has_no_answer = bool(_NO_ANSWER.match(self.raw))
        if self.has_no_answer:
            return ""
        return await self._show(self._sentences.feed(self._stream.feed(piece)))

    async def close(self) -> str:
        """Return the rest of the text."""
        self.has_no_answer = self.has_no_answer or not self._started
        if self.has_no_answer:
            return ""
        rest = self._sentences.feed(self._stream.close())
        return await self._show([*rest, *self._sentences.close()])

    async def _show(self, sentences: Sequence[AnswerSentence]) -> str:
        shown = ""
        for sentence in sentences:
            # "Yes." rests on what the question says.
            claim = (
                sentence.text if tokenise(sentence.text) else f"{self._question} {sentence.text}"
            )
            places = await self._grounding.support(claim, [n - 1 for n in sentence.cited])
            if not places:
                self.left_out += 1
                continue
            before = (sentence.before or " ") if self.text or shown else ""
            if len(f"{self.text}{shown}{before}{sentence.text}") > STREAM_CHARACTERS - _MARKERS:
                break
            markers = "".join(self.citations.cite(place) for place in places)
            shown += f"{before}{sentence.text} {markers}"
        self.text += shown
        return shown


async def _start_reply(
    fitted: FittedQuestion, model: LanguageModel, max_tokens: int
) -> tuple[FittedQuestion, str, AsyncGenerator[str]]:
    """Send the question, shortened until the model accepts it; return the reply's first piece."""
    limit = question_tokens(model, max_tokens)
    fitted = fitted.fit(model, limit)
    while True:
        pieces = model.stream(fitted.prompt, max_tokens=reply_tokens(model, max_tokens))
        try:
            return fitted, await anext(pieces, ""), pieces
        except PromptTooLong:
            limit = int(min(limit, count_tokens(fitted.prompt, model)) * _SHRINK)
            shorter = fitted.shortened()
            if shorter is None:
                raise
            fitted = shorter.fit(model, limit)


async def _suggest_questions(
    fitted: FittedQuestion, reply: Reply, turns: Sequence[Turn], model: LanguageModel
) -> tuple[str, ...]:
    """Get suggested questions from a second, short call, filled up without the model."""
    candidates: list[str] = []
    reply_message = Message("assistant", reply.raw.strip() or NO_ANSWER)
    prompt = (*fitted.prompt, reply_message, ask_for_questions(fitted.language))
    try:
        if fitted.passages:
            text = await model.complete(
                prompt, max_tokens=QUESTIONS_TOKENS, schema=schema(QuestionsDraft)
            )
            candidates = parse(text, QuestionsDraft).questions
    except CoreError as error:
        log.info("no suggested questions from the model: %s", error)
    earlier = [turn.question for turn in turns]
    candidates += turns[-1].answer.questions if turns else ()
    return await asyncio.to_thread(
        follow_up, fitted.question, fitted.passages, earlier, candidates, fitted.language
    )
