"""A question with everything that its answer may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.model import Passage, Turn


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in a conversation.

    `passages`: what the answer may rest on, best first. `turns`: the conversation before it.
    `suggestions`: questions of the video's summary. `language`: of the answer."""

    question: str
    passages: Sequence[Passage]
    language: str
    turns: Sequence[Turn] = ()
    suggestions: Sequence[str] = ()

    @property
    def earlier(self) -> list[str]:
        """The conversation's questions."""
        return [turn.question for turn in self.turns]

    @property
    def seen(self) -> list[str]:
        """The conversation's questions, asked or suggested."""
        return [text for turn in self.turns for text in (turn.question, *turn.answer.questions)]
