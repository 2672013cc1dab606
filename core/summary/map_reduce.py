"""This file has a language model read a transcript of any length: at once where it fits, else part
by part, and then the notes taken of the parts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from core.errors import BadModelOutput, PromptTooLong
from core.language_model.context_budget import count_tokens, reply_tokens
from core.language_model.prompts import (
    ask_again,
    ask_for_notes,
    ask_for_summary,
    prompt,
)
from core.language_model.replies import NotesDraft, PointDraft, SummaryDraft, parse, schema
from core.model import Passage, Progress, Segment, Transcript, Video
from core.ports import Checkpoints, LanguageModel, Message, ProgressCallback
from core.summary.chapters import find_chapters
from core.summary.checkpoints import NoteCheckpoints, PartNotes, notes_recipe
from core.summary.extractive import extract_summary
from core.summary.transcript_parts import Line, characters, merge_into_lines, minutes, split_lines
from core.text.tokens import tokenise

log = logging.getLogger(__name__)

SUMMARY_TOKENS, NOTES_TOKENS = 3072, 1024
"""The longest reply, but never more than a quarter of the context."""
_SPARE_TOKENS = 160  # for what was wrong with a reply, when asking again
_PROBLEM_CHARACTERS = 300
_SHRINKS = 0.8

Kind = TypeVar("Kind", NotesDraft, SummaryDraft)


@dataclass(frozen=True, slots=True)
class MapReduce:
    """Reads one transcript for one summary."""

    video: Video
    transcript: Transcript
    model: LanguageModel
    language: str
    on_progress: ProgressCallback
    checkpoints: Checkpoints
    """Where the notes of a long transcript are kept until its summary is."""

    async def draft(self) -> SummaryDraft:
        """The draft; every `segment` in it is the index of a segment + 1.

        One call where the transcript fits. Else every part is read once, and a part whose notes
        come out unusable twice is represented by its own key sentences: so nothing is left out.
        Raises BadModelOutput, and PromptTooLong only where not even one line fits."""
        lines = [Line(i, 1, segment) for i, segment in enumerate(self.transcript.segments)]
        draft = await self._sum_up(lines, of_notes=False)
        if draft is None:
            chapters = await asyncio.to_thread(find_chapters, self.video, self.transcript)
            borders = {chapter.start_s for chapter in chapters}
            lines = list(merge_into_lines(self.transcript.segments, borders))
            draft = await self._read_in_parts(lines, borders)
        return draft

    async def _read_in_parts(self, lines: Sequence[Line], borders: Set[float]) -> SummaryDraft:
        done = 0.0
        while True:
            end = done + (1 - done) * 0.9
            notes = await self._take_notes(lines, borders, done, end)
            draft = await self._sum_up(notes, of_notes=True)
            if draft is not None:
                return draft
            if len(notes) < 2:
                raise PromptTooLong(self.model.tokens(notes[0].said.text), self.model.num_ctx)
            if characters(notes) > _SHRINKS * characters(lines):
                notes = notes[::2]  # else a model that takes notes at length would never end
            lines, done = notes, end

    async def _take_notes(
        self, lines: Sequence[Line], borders: Set[float], done: float, end: float
    ) -> list[Line]:
        """Of all parts; an earlier attempt's are not taken again. `done`, `end`: fractions."""
        notebook = self._notebook(lines)
        kept = await notebook.parts()
        parts = self._cut(lines, sum(noted.lines for noted in kept), borders)
        notes = [line for noted in kept for line in noted.notes]
        step = (end - done) / (len(kept) + len(parts))
        if kept:
            self.on_progress(Progress("summarise", done + step * len(kept)))
        for n, part in enumerate(parts, start=len(kept) + 1):
            noted = await self._note(part)
            await notebook.add(n, PartNotes(len(part), noted))
            notes += noted
            self.on_progress(Progress("summarise", done + step * n))
        return notes

    def _notebook(self, lines: Sequence[Line]) -> NoteCheckpoints:
        task = ask_for_notes(self.language, minutes(lines))
        asked = prompt([self._passage(lines)], task)
        summary = f"{self.model.name} {self.language}"
        named = notes_recipe(summary, asked, lines, self.transcript)
        return NoteCheckpoints(self.checkpoints, self.video.id, named)

    async def _sum_up(self, lines: Sequence[Line], *, of_notes: bool) -> SummaryDraft | None:
        """None where the lines are too long to be read at once."""
        marks = self.video.marks
        task = ask_for_summary(self.language, minutes(lines), marks, of_notes=of_notes)
        if self._room(SUMMARY_TOKENS, task, lines) < 0:
            return None
        try:
            return await self._ask(lines, task, SummaryDraft, SUMMARY_TOKENS)
        except PromptTooLong as error:
            log.info("the transcript is longer than estimated: %s", error)
            return None

    async def _note(self, part: Sequence[Line]) -> list[Line]:
        task = ask_for_notes(self.language, minutes(part))
        try:
            draft = await self._ask(part, task, NotesDraft, NOTES_TOKENS)
        except PromptTooLong as error:
            log.info("a part is longer than estimated: %s", error)
            half = len(part) // 2
            if not half:
                return list(part)
            return await self._note(part[:half]) + await self._note(part[half:])
        except BadModelOutput as error:
            log.warning("no usable notes of a part: %s", error)
            return await asyncio.to_thread(self._key_sentences, part)
        return self._as_lines(draft)

    async def _ask(self, lines: Sequence[Line], task: Message, kind: type[Kind], most: int) -> Kind:
        """The draft the model writes at the first or second attempt."""
        starts = [line.said.start_s for line in lines]
        tokens = reply_tokens(self.model, most)

        async def attempt(task: Message) -> Kind:
            asked = prompt([self._passage(lines)], task)
            reply = await self.model.complete(asked, max_tokens=tokens, schema=schema(kind))
            return parse(reply, kind, starts)

        try:
            draft = await attempt(task)
        except BadModelOutput as error:
            log.info("asking again: %s", error)
            draft = await attempt(ask_again(task, error.detail[:_PROBLEM_CHARACTERS]))
        self._locate(draft, lines)
        return draft

    def _locate(self, draft: NotesDraft | SummaryDraft, lines: Sequence[Line]) -> None:
        """Turns numbers of lines into numbers of segments."""
        for chapter in draft.chapters:
            chapter.segment = lines[chapter.segment - 1].first + 1
            for point in chapter.points:
                point.segment = self._segment(point, lines[point.segment - 1]) + 1
        for point in draft.points:
            point.segment = self._segment(point, lines[point.segment - 1]) + 1

    def _segment(self, point: PointDraft, line: Line) -> int:
        """The index of the segment of the line that shares most words with the point."""
        said = set(tokenise(point.text))
        segments = self.transcript.segments
        return max(
            range(line.first, line.first + line.count),
            key=lambda i: (len(said & set(tokenise(segments[i].text))), -i),
        )

    def _as_lines(self, draft: NotesDraft) -> list[Line]:
        titles = [(c.segment, 0, f"Chapter: {c.title}") for c in draft.chapters]
        points = [(p.segment, 1, p.text) for p in draft.points]
        return [self._as_line(n - 1, text) for n, _, text in sorted([*titles, *points])]

    def _as_line(self, index: int, text: str) -> Line:
        segment = self.transcript.segments[index]
        return Line(index, 1, Segment(segment.start_s, segment.end_s, text))

    def _key_sentences(self, part: Sequence[Line]) -> list[Line]:
        said = Transcript(
            self.video.id, self.transcript.language, "file", tuple(line.said for line in part)
        )
        firsts = {line.said.start_s: line.first for line in reversed(part)}
        points = extract_summary(self.video, said).points
        return [self._as_line(firsts[point.start_s], point.text) for point in points]

    def _cut(self, lines: Sequence[Line], first: int, borders: Set[float]) -> list[Sequence[Line]]:
        """Those from `first` on."""
        room = self._room(NOTES_TOKENS, ask_for_notes(self.language, minutes(lines)), ())
        rest = lines[first:]
        sizes = [self.model.tokens(f"[999] {line.said.text}\n") for line in rest]
        return split_lines(rest, sizes, room, borders) if rest else []

    def _room(self, most: int, task: Message, lines: Sequence[Line]) -> int:
        """Tokens left beside the prompt and its reply."""
        size = count_tokens(prompt([self._passage(lines)], task), self.model)
        return self.model.num_ctx - reply_tokens(self.model, most) - _SPARE_TOKENS - size

    def _passage(self, lines: Sequence[Line]) -> Passage:
        return Passage(self.video, tuple(line.said for line in lines))
