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
    """The one to three sentences that bear on the question, each with its marker.

    Where there are none: no text, no citations, not grounded. Always three questions, in
    `language`, not `asked` before: from `suggestions`, then about the passages' own words.
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
