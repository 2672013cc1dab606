"""Answer with the video's own sentences, without a language model."""

from __future__ import annotations

from collections.abc import Sequence

from core.answers.citations import cite
from core.answers.evidence import find_evidence
from core.answers.suggested_questions import follow_up
from core.model import EXTRACTIVE, Answer, Passage


def extract_answer(
    question: str,
    passages: Sequence[Passage],
    asked: Sequence[str],
    suggestions: Sequence[str],
    language: str,
) -> Answer:
    """Answer with the one to three sentences that cover the question, each with its marker.

    Without such sentences the answer has no text and no citations and is not grounded. It always
    has three questions in `language` (see `follow_up`).
    """
    found = find_evidence(question, passages)
    return Answer(
        question=question,
        text=" ".join(f"{s.segment.text.strip()} [{n}]" for n, s in enumerate(found, start=1)),
        citations=tuple(cite(n, s.video, [s.segment]) for n, s in enumerate(found, start=1)),
        questions=follow_up(question, passages, asked, suggestions, language),
        grounded=bool(found),
        engine=EXTRACTIVE,
    )
