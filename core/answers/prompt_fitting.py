"""This file fits a question, what it is asked of and the conversation before it into a context."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.answers.citations import Citations
from core.language_model.context_budget import count_tokens
from core.language_model.prompts import ask, earlier_answer, earlier_question, prompt
from core.model import Passage, Turn
from core.ports import LanguageModel, Message, Prompt


@dataclass(frozen=True, slots=True)
class FittedQuestion:
    """A question with all that goes before it. Passages: at least one, best first."""

    question: str
    passages: tuple[Passage, ...]
    turns: tuple[Turn, ...]
    language: str
    notes: tuple[str, ...] = ()
    """Codes of what was left out."""

    @property
    def prompt(self) -> Prompt:
        """System, passages, history, question."""
        citations = Citations(self.passages)
        history: list[Message] = []
        for turn in self.turns:
            said = citations.restore(turn.answer.text, turn.answer.citations)
            history += (earlier_question(turn.question), earlier_answer(said))
        return prompt(self.passages, *history, ask(self.question, self.language))

    def fitted(self, model: LanguageModel, room: int) -> FittedQuestion:
        """Short enough for `room` tokens by the model's estimate, or as short as it gets."""
        asked = self
        while count_tokens(asked.prompt, model) > room and (shorter := asked.shorter()):
            asked = shorter
        return asked

    def shorter(self) -> FittedQuestion | None:
        """Without the oldest turn, else the last passage, else its second half; None at the end."""
        if self.turns:
            return replace(self, turns=self.turns[1:], notes=self._noting("history_shortened"))
        kept, last = self.passages[:-1], self.passages[-1]
        half = len(last.segments) // 2
        if not kept and not half:
            return None
        passages = kept or (replace(last, segments=last.segments[:half]),)
        return replace(self, passages=passages, notes=self._noting("passages_shortened"))

    def _noting(self, note: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.notes, note)))
