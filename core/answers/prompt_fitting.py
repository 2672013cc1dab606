"""Shorten a question's passages and history until they fit the context."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.answers.citations import Citations
from core.language_model.context_budget import count_tokens
from core.language_model.prompts import (
    ask,
    ask_again,
    earlier_answer,
    earlier_question,
    prompt,
)
from core.model import Passage, Turn
from core.ports import LanguageModel, Message, Prompt


@dataclass(frozen=True, slots=True)
class FittedQuestion:
    """A question with its passages (at least one, best first) and earlier turns."""

    question: str
    passages: tuple[Passage, ...]
    turns: tuple[Turn, ...]
    language: str
    problem: str = ""
    """What was wrong with the last reply, written for the model."""
    notes: tuple[str, ...] = ()
    """Codes that tell the user what was left out."""

    @property
    def prompt(self) -> Prompt:
        """The prompt: system, passages, history, question."""
        citations = Citations(self.passages)
        history: list[Message] = []
        for turn in self.turns:
            text = citations.restore(turn.answer.text, turn.answer.citations)
            history += (earlier_question(turn.question), earlier_answer(text))
        task = ask(self.question, self.language)
        task = ask_again(task, self.problem) if self.problem else task
        return prompt(self.passages, *history, task)

    def fit(self, model: LanguageModel, max_tokens: int) -> FittedQuestion:
        """Shorten to `max_tokens` by the model's estimate, or as far as possible."""
        fitted = self
        while count_tokens(fitted.prompt, model) > max_tokens and (shorter := fitted.shortened()):
            fitted = shorter
        return fitted

    def shortened(self) -> FittedQuestion | None:
        """Drop the oldest turn, else the last passage, else half of it; None if nothing is left."""
        if self.turns:
            return replace(self, turns=self.turns[1:], notes=self._notes_with("history_shortened"))
        kept, last = self.passages[:-1], self.passages[-1]
        half = len(last.segments) // 2
        if not kept and not half:
            return None
        passages = kept or (replace(last, segments=last.segments[:half]),)
        return replace(self, passages=passages, notes=self._notes_with("passages_shortened"))

    def _notes_with(self, note: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.notes, note)))
