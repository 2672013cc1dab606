"""Get drafts from a model that may write badly: another try, and what is whole in its replies."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import BadModelOutput, ModelStalled, ModelTooSlow, ReplyBroken
from core.language_model.context_budget import reply_tokens
from core.language_model.prompts import ask_again, prompt
from core.language_model.replies import NotesDraft, SummaryDraft, parse, schema
from core.model import Passage
from core.ports import STEADY, LanguageModel, Message, Sampling
from core.summary.draft_checks import language_problem, tidy

log = logging.getLogger(__name__)

OTHER = Sampling(temperature=0.7, frequency_penalty=0.3, seed=11)
"""For the second try: the first would give the same reply again."""
PROBLEM_TOKENS = 160
"""Room in the prompt for what was wrong with the first reply."""
_PROBLEM_CHARACTERS = 300

Kind = TypeVar("Kind", NotesDraft, SummaryDraft)


@dataclass(frozen=True, slots=True)
class Attempt(Generic[Kind]):
    """`draft`: None if nothing was usable. `is_whole`: about all lines, not only the first ones."""

    draft: Kind | None = None
    is_whole: bool = False

    @property
    def whole(self) -> Kind | None:
        return self.draft if self.is_whole else None

    @property
    def worth(self) -> tuple[bool, int]:
        return self.is_whole, len(self.draft.points) if self.draft else 0


@dataclass(frozen=True, slots=True)
class Writer:
    """A language model that writes in `language` about a video in `spoken`, or "" if unknown."""

    model: LanguageModel
    language: str
    spoken: str

    async def draft(
        self, passage: Passage, task: Message, kind: type[Kind], max_tokens: int
    ) -> Attempt[Kind]:
        """Return the better of two replies at most; each `segment` is a line of the passage.

        Raises PromptTooLong, and the server's errors: ModelFailed if both tries did, and the others
        at once, because trying again would take as long."""
        best: Attempt[Kind] = Attempt()
        failure: ReplyBroken | None = None
        for sampling in (STEADY, OTHER):
            failure, text = None, ""
            try:
                text = await self.model.complete(
                    prompt([passage], task),
                    max_tokens=reply_tokens(self.model, max_tokens),
                    schema=schema(kind, len(passage.segments)),
                    sampling=sampling,
                )
            except ReplyBroken as error:
                failure, text = error, error.text
            attempt, problem = self._judge(text, passage, kind, failure)
            if not problem:
                return attempt
            best = max(best, attempt, key=lambda attempt: attempt.worth)
            log.info("a reply was not good: %s", problem)
            if isinstance(failure, ModelStalled | ModelTooSlow):
                raise failure
            if failure is None or isinstance(failure, BadModelOutput):
                task = ask_again(task, problem[:_PROBLEM_CHARACTERS])
        if failure and not isinstance(failure, BadModelOutput) and best.draft is None:
            raise failure
        return best

    def _judge(
        self, text: str, passage: Passage, kind: type[Kind], failure: ReplyBroken | None
    ) -> tuple[Attempt[Kind], str]:
        """Return what can be used of a reply, and what is wrong with it, or ""."""
        problem = failure.detail if isinstance(failure, BadModelOutput) else str(failure or "")
        try:
            draft = parse(text, kind, [segment.start_s for segment in passage.segments])
        except BadModelOutput as error:
            return Attempt(), problem or error.detail
        # The chapters come after the points, so these are complete.
        is_whole = failure is None or "chapters" in draft.model_fields_set
        wrong = language_problem(draft, self.language)
        if nonsense := tidy(draft, passage, is_same_language=self.spoken == self.language):
            return Attempt(), problem or wrong or nonsense
        return Attempt(draft, is_whole), wrong if is_whole else problem
