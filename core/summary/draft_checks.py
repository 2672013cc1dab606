"""Check that a draft makes sense: about the lines, in the right language, and not one thing over
and over."""

from __future__ import annotations

from core.language_model.prompts import language_name
from core.language_model.replies import NotesDraft, SummaryDraft
from core.model import Passage
from core.text.languages import is_written_in
from core.text.tokens import tokenise

_MIN_SHARE = 0.25
"""Of a point's words, the share that the lines must hold. A model that retells uses half of its
words as they were said; one that writes nonsense none."""
_MANY = 3


def tidy(draft: NotesDraft | SummaryDraft, passage: Passage, *, is_same_language: bool) -> str:
    """Drop points that repeat another one or say what no line says. Return what is wrong with the
    draft, written for the model, or "". `is_same_language`: whether it shares words with the lines.
    """
    written = len(draft.points)
    draft.points = list({point.text: point for point in reversed(draft.points)}.values())[::-1]
    draft.chapters = list({c.title: c for c in reversed(draft.chapters)}.values())[::-1]
    if written >= _MANY and len(draft.points) == 1:
        return "It says one thing over and over."
    if is_same_language:
        said = set(tokenise(" ".join(segment.text for segment in passage.segments)))
        draft.points = [point for point in draft.points if _is_about(point.text, said)]
    return "" if draft.points else "Its points are not about the lines."


def language_problem(draft: NotesDraft | SummaryDraft, language: str) -> str:
    """Return what is wrong with the draft's language, written for the model, or ""."""
    texts = [point.text for point in draft.points] + [chapter.title for chapter in draft.chapters]
    if is_written_in(" ".join(texts), language):
        return ""
    return f"It was not in {language_name(language)}."


def _is_about(text: str, said: set[str]) -> bool:
    tokens = set(tokenise(text))
    return len(tokens & said) >= _MIN_SHARE * len(tokens)
