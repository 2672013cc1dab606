"""Answer with the video's own sentences, without a language model."""

from __future__ import annotations

from collections.abc import Sequence

from core.answers.asked import Asked
from core.answers.citations import cite
from core.answers.evidence import find_evidence
from core.answers.suggested_questions import follow_up
from core.model import EXTRACTIVE, Answer, Citation, Place, Segment, Video
from core.text.follow_ups import in_context
from core.text.question_words import asks_for_overview
from core.text.sentences import announces

MIN_NEARNESS = 0.31
"""A question none of whose places is nearer is about something else: on QMSum that refuses 5 % of
the questions about a meeting, and nine of ten about others."""
MIN_NEARNESS_ELSEWHERE = 0.45
"""For videos that were not asked about. Asked in the wrong one of twelve QMSum meetings, eight of
ten questions are answered from others, and one of forty that none of them answers."""
Source = tuple[Video, tuple[Segment, ...]]


def extract_answer(asked: Asked, places: Sequence[Place]) -> Answer:
    """Answer with the sentences that cover the question, then with the nearest `places`, each with
    its marker.

    Where the best place is a covering sentence too, that is the answer alone, unless it only says
    what will be spoken of, or the question asks for an overview. Without covering
    sentences the answer is only partly grounded: its reader judges. If no place is near, it has no
    text and no citations. It always has three questions in `asked.language`."""
    question, passages = asked.question, asked.passages
    evidence = find_evidence(in_context(question, asked.earlier), passages)
    found: list[Source] = [(sentence.video, (sentence.segment,)) for sentence in evidence]
    covering = len(found)
    is_sure = (
        bool(places)
        and _overlaps(_source(places[0]), found)
        and not asks_for_overview(question)
        and not all(announces(sentence.segment.text) for sentence in evidence)
    )
    if not is_sure and (covering or is_near(places)):
        found += [source for source in map(_source, places) if not _overlaps(source, found)]
    return Answer(
        question=question,
        text=_text(found, covering),
        citations=tuple(cite(n, *source) for n, source in enumerate(found, start=1)),
        questions=follow_up(question, passages, asked.seen, (), asked.suggestions, asked.language),
        grounded=bool(found),
        engine=EXTRACTIVE,
        partly=bool(found) and not covering,
    )


def is_near(places: Sequence[Place], minimum: float = MIN_NEARNESS) -> bool:
    """Whether any place is about what the question asks."""
    return any(place.nearness >= minimum for place in places)


def cite_places(places: Sequence[Place]) -> tuple[Citation, ...]:
    """Cite the places nearest to a question without an answer; none if they are about others."""
    near = places if is_near(places) else ()
    return tuple(cite(n, *_source(place)) for n, place in enumerate(near, start=1))


def _source(place: Place) -> Source:
    return place.video, place.segments


def _text(found: Sequence[Source], covering: int) -> str:
    """Join what covers the question to one paragraph; every further place is a line of its own."""
    marked = [
        f"{' '.join(segment.text.strip() for segment in segments)} [{n}]"
        for n, (_, segments) in enumerate(found, start=1)
    ]
    answer = " ".join(marked[:covering])
    return "\n".join([answer, *marked[covering:]] if answer else marked)


def _overlaps(source: Source, others: Sequence[Source]) -> bool:
    video, segments = source
    return any(video == other and set(segments) & set(theirs) for other, theirs in others)
