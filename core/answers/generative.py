"""Answer a question from passages with a language model, each sentence with its citations."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from core.answers.answer_sentences import AnswerSentence, RepeatedSentences, SentenceStream
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
from core.language_model.prompts import (
    NO_ANSWER,
    ask_again,
    ask_for_questions,
    language_name,
)
from core.language_model.replies import QuestionsDraft, parse, plain_text, schema
from core.model import Answer
from core.ports import CUT_OFF, LanguageModel, Message
from core.text.languages import is_written_in, language_of
from core.text.safe_text import STREAM_CHARACTERS, SafeStream
from core.text.tokens import tokenise

log = logging.getLogger(__name__)

_MARKERS = 40  # characters that a sentence's markers may take
_SHRINK = 0.8  # the next limit as a share of the tokens that were too many
_UNDECIDED = re.compile(r"\W*(?:N(?:O(?:N(?:E\W*)?)?)?)?|\W*J(?:S(?:O(?:N\W*)?)?)?", re.IGNORECASE)
"""What may become NO_ANSWER, or JSON in a fence."""
_JSON = re.compile(r"\W*?(?:json\s*)?\{", re.IGNORECASE)
_NO_ANSWER = re.compile(rf"\W*{NO_ANSWER}(?![A-Za-z])")


async def answer(
    asked: Asked, model: LanguageModel, max_tokens: int, search: AnswerSearch
) -> AsyncGenerator[str | Answer]:
    """Yield the text sentence by sentence, then the Answer, whose text is these pieces joined.

    Each sentence is shown with the places that support it; one that nothing supports is left out,
    and the answer is then only partly grounded. If nothing is left, or the model finds no answer,
    the text is empty and the citations are the nearest places. A sentence that is said again is not
    shown again, and a model that goes on repeating itself is stopped. Too long a prompt loses the
    oldest turns first, then the last passages; the answer's notes say so. A reply in another
    language than asked for is asked again, once. Raises the model's errors, even after text."""
    question, passages = asked.question, tuple(asked.passages)
    fitted = FittedQuestion(question, passages, tuple(asked.turns), asked.language)
    reply = Reply(fitted, search)
    if passages:
        async with aclosing(_read_reply(fitted, model, max_tokens, search)) as states:
            async for state in states:
                fitted, reply, shown = state
                if shown:
                    yield shown
    found = reply.citations.found
    questions = await _suggest_questions(fitted, reply, asked, model)
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
    is certain. It also stays empty if the first sentences are in another language than asked for,
    unless the model was told so before. A reply that is JSON, as small models write unasked, is
    read at its end.
    """

    def __init__(self, fitted: FittedQuestion, search: AnswerSearch) -> None:
        self.citations = Citations(fitted.passages)
        self.raw = self.text = ""
        self.has_no_answer = self.is_foreign = False
        self.left_out = 0
        """Sentences that nothing supports."""
        self._question = fitted.question
        self._languages = () if fitted.problem else ("", fitted.language)
        self._started = self._is_json = False
        # The model's own markers stay in the text until its sentence is whole.
        self._stream = SafeStream(lambda numbers, _: f"[{numbers}]")
        self._sentences = SentenceStream()
        self._repeated = RepeatedSentences()
        self._grounding = Grounding(fitted.passages, search, fitted.question)

    @property
    def is_over(self) -> bool:
        """Whether the rest of the reply is of no use."""
        return self.has_no_answer or self.is_foreign or self._repeated.is_loop

    async def feed(self, piece: str) -> str:
        """Add a piece; return the text that can be shown now, or ""."""
        self.raw += piece
        if not self._started:
            if _UNDECIDED.fullmatch(self.raw):
                return ""
            self._started, piece = True, self.raw
            self.has_no_answer = bool(_NO_ANSWER.match(self.raw))
            self._is_json = bool(_JSON.match(self.raw))
        if self.has_no_answer or self._is_json:
            return ""
        return await self._show(self._sentences.feed(self._stream.feed(piece)))

    async def close(self) -> str:
        """Return the rest of the text."""
        text = plain_text(self.raw) if self._is_json else ""
        self.has_no_answer = self.has_no_answer or not self._started or bool(_NO_ANSWER.match(text))
        if self.is_over:
            return ""
        rest = self._sentences.feed(self._stream.feed(text) + self._stream.close())
        rest += self._sentences.close()
        if rest and rest[-1].text.endswith(CUT_OFF) and (self.text or rest[1:]):
            rest.pop()  # half a sentence says something else than the whole one
        return await self._show(rest)

    async def _show(self, sentences: Sequence[AnswerSentence]) -> str:
        shown = ""
        for sentence in sentences:
            if not self.text and not shown and self._is_foreign(sentence.text):
                self.is_foreign = True
                return ""
            if self._repeated.holds(sentence.text):
                continue
            # "Yes." rests on what the question says.
            claim = (
                sentence.text if tokenise(sentence.text) else f"{self._question} {sentence.text}"
            )
            places = await self._grounding.support(claim, [n - 1 for n in sentence.cited])
            if not places or sentence.text.endswith(("?", "？")):  # the question, given back
                self.left_out += 1
                continue
            before = (sentence.before or " ") if self.text or shown else ""
            if len(f"{self.text}{shown}{before}{sentence.text}") > STREAM_CHARACTERS - _MARKERS:
                break
            markers = "".join(self.citations.cite(place) for place in places)
            shown += f"{before}{sentence.text} {markers}"
        self.text += shown
        return shown

    def _is_foreign(self, sentence: str) -> bool:
        """A name alone is not."""
        return bool(self._languages) and language_of(sentence) not in self._languages


async def _read_reply(
    fitted: FittedQuestion, model: LanguageModel, max_tokens: int, search: AnswerSearch
) -> AsyncGenerator[tuple[FittedQuestion, Reply, str]]:
    """Yield the question as it was sent, the reply so far, and what can be shown now.

    The language is checked before the first sentence is shown: what was shown stays."""
    while True:
        fitted, piece, pieces = await _start_reply(fitted, model, max_tokens)
        reply = Reply(fitted, search)
        async with aclosing(pieces):
            while piece:
                yield fitted, reply, await reply.feed(piece)
                piece = "" if reply.is_over else await anext(pieces, "")
        yield fitted, reply, await reply.close()
        if not reply.is_foreign:
            return
        log.info("the model answered in another language")
        fitted = replace(fitted, problem=f"It was not in {language_name(fitted.language)}.")


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
    fitted: FittedQuestion, reply: Reply, asked: Asked, model: LanguageModel
) -> tuple[str, ...]:
    """Get suggested questions from a second, short call, filled up without the model."""
    candidates: list[str] = []
    try:
        if fitted.passages:
            candidates = await _ask_for_questions(fitted, reply, model)
    except CoreError as error:
        log.info("no suggested questions from the model: %s", error)
    return await asyncio.to_thread(
        follow_up,
        fitted.question,
        fitted.passages,
        asked.seen,
        candidates,
        asked.suggestions,
        fitted.language,
    )


async def _ask_for_questions(
    fitted: FittedQuestion, reply: Reply, model: LanguageModel
) -> list[str]:
    """Return the model's questions in the answer's language; ask again, once, if none is."""
    written = (*fitted.prompt, Message("assistant", reply.raw.strip() or NO_ANSWER))
    task = ask_for_questions(fitted.language)
    problem = f"They were not in {language_name(fitted.language)}."
    for message in (task, ask_again(task, problem)):
        text = await model.complete(
            (*written, message), max_tokens=QUESTIONS_TOKENS, schema=schema(QuestionsDraft)
        )
        questions = parse(text, QuestionsDraft).questions
        if found := [one for one in questions if is_written_in(one, fitted.language)]:
            return found
    return []
