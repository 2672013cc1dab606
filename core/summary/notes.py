"""The notes that a model takes on a part of a transcript, as lines that can be summarised."""

from __future__ import annotations

from collections.abc import Sequence

from core.language_model.replies import ChapterDraft, NotesDraft, PointDraft, SummaryDraft
from core.model import Segment
from core.summary.transcript_parts import Line
from core.text.tokens import tokenise

_CHAPTER = "Chapter: "


def to_segments(
    draft: NotesDraft | SummaryDraft, lines: Sequence[Line], segments: Sequence[Segment]
) -> None:
    """Replace the line numbers in a draft with segment numbers, in place."""
    for chapter in draft.chapters:
        chapter.segment = lines[chapter.segment - 1].first + 1
        for point in chapter.points:
            point.segment = _best_segment(point, lines[point.segment - 1], segments) + 1
    for point in draft.points:
        point.segment = _best_segment(point, lines[point.segment - 1], segments) + 1


def note_lines(draft: NotesDraft, segments: Sequence[Segment]) -> list[Line]:
    """Return the notes in order of time, each text once. `draft`: with segment numbers."""
    titles = [(chapter.segment, 0, _CHAPTER + chapter.title) for chapter in draft.chapters]
    points = [(point.segment, 1, point.text) for point in draft.points]
    unique = {text: number for number, _, text in reversed(sorted([*titles, *points]))}
    return [note_line(number - 1, text, segments) for text, number in reversed(unique.items())]


def note_line(index: int, text: str, segments: Sequence[Segment]) -> Line:
    """A note on the segment at `index`."""
    return Line(index, 1, Segment(segments[index].start_s, segments[index].end_s, text))


def summary_of_notes(notes: Sequence[Line], topic: str) -> SummaryDraft:
    """Make a summary of the notes as they are, where the model fails to write one."""
    points: list[PointDraft] = []
    chapters: list[ChapterDraft] = []
    for note in notes:
        text, number = note.said.text, note.first + 1
        if text.startswith(_CHAPTER):
            title = text.removeprefix(_CHAPTER)
            chapter = ChapterDraft.model_construct(title=title, segment=number, points=[])
            chapters.append(chapter)
            continue
        point = PointDraft.model_construct(text=text, segment=number)
        points.append(point)
        if chapters:
            chapters[-1].points.append(point)
    return SummaryDraft.model_construct(
        topic=topic, points=points, chapters=chapters, hashtags=[], questions=[]
    )


def _best_segment(point: PointDraft, line: Line, segments: Sequence[Segment]) -> int:
    """Return the index of the line's segment that shares most words with the point."""
    said = set(tokenise(point.text))
    return max(
        range(line.first, line.first + line.count),
        key=lambda i: (len(said & set(tokenise(segments[i].text))), -i),
    )
