"""Summarise a transcript of any length with a language model: in one call where it fits the
context, else by notes on each part (map) and a summary of the notes (reduce).
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
from core.summary.transcript_parts import (
    Line,
    count_characters,
    duration_min,
    merge_into_lines,
    split_lines,
)
from core.text.tokens import tokenise

log = logging.getLogger(__name__)

SUMMARY_TOKENS, NOTES_TOKENS = 3072, 1024
"""Reply limits; `reply_tokens` caps them at a quarter of the context."""
_SPARE_TOKENS = 160  # for the problem statement of `ask_again`
_PROBLEM_CHARACTERS = 300
_MAX_RATIO = 0.8  # notes longer than this share of their source are halved

Kind = TypeVar("Kind", NotesDraft, SummaryDraft)


@dataclass(frozen=True, slots=True)
class MapReduce:
    """One summary of one transcript."""

    video: Video
    transcript: Transcript
    model: LanguageModel
    language: str
    on_progress: ProgressCallback
    checkpoints: Checkpoints
    """Keep the notes on a long transcript until its summary is stored."""

    async def draft(self) -> SummaryDraft:
        """Return the draft; every `segment` in it is a segment's index + 1.

        A transcript that fits takes one call. Otherwise the model takes notes on every part; a part
        whose notes are unusable twice is represented by its key sentences, so nothing is left out.
        Raises BadModelOutput, and PromptTooLong only if not even one line fits."""
        lines = [Line(i, 1, segment) for i, segment in enumerate(self.transcript.segments)]
        draft = await self._summarise(lines, of_notes=False)
        if draft is None:
            chapters = await asyncio.to_thread(find_chapters, self.video, self.transcript)
            chapter_starts = {chapter.start_s for chapter in chapters}
            lines = list(merge_into_lines(self.transcript.segments, chapter_starts))
            draft = await self._map_and_reduce(lines, chapter_starts)
        return draft

    async def _map_and_reduce(
        self, lines: Sequence[Line], chapter_starts: Set[float]
    ) -> SummaryDraft:
        done = 0.0
        while True:
            end = done + (1 - done) * 0.9
            notes = await self._take_notes(lines, chapter_starts, done, end)
            draft = await self._summarise(notes, of_notes=True)
            if draft is not None:
                return draft
            if len(notes) < 2:
                raise PromptTooLong(self.model.tokens(notes[0].said.text), self.model.num_ctx)
            if count_characters(notes) > _MAX_RATIO * count_characters(lines):
                notes = notes[::2]  # a model with long-winded notes would loop forever
            lines, done = notes, end

    async def _take_notes(
        self, lines: Sequence[Line], chapter_starts: Set[float], done: float, end: float
    ) -> list[Line]:
        """Take notes on all parts, resuming from checkpoints. `done`, `end`: progress, 0 to 1."""
        checkpoints = self._note_checkpoints(lines)
        resumed = await checkpoints.parts()
        parts = self._split(lines, sum(part.lines for part in resumed), chapter_starts)
        notes = [line for part in resumed for line in part.notes]
        step = (end - done) / (len(resumed) + len(parts))
        if resumed:
            self.on_progress(Progress("summarise", done + step * len(resumed)))
        for n, part in enumerate(parts, start=len(resumed) + 1):
            found = await self._notes_on(part)
            await checkpoints.add(n, PartNotes(len(part), found))
            notes += found
            self.on_progress(Progress("summarise", done + step * n))
        return notes

    def _note_checkpoints(self, lines: Sequence[Line]) -> NoteCheckpoints:
        task = ask_for_notes(self.language, duration_min(lines))
        asked = prompt([self._passage(lines)], task)
        summary = f"{self.model.name} {self.language}"
        recipe = notes_recipe(summary, asked, lines, self.transcript)
        return NoteCheckpoints(self.checkpoints, self.video.id, recipe)

    async def _summarise(self, lines: Sequence[Line], *, of_notes: bool) -> SummaryDraft | None:
        """Summarise the lines in one call; None if they do not fit."""
        marks = self.video.marks
        task = ask_for_summary(self.language, duration_min(lines), marks, of_notes=of_notes)
        if self._tokens_left(SUMMARY_TOKENS, task, lines) < 0:
            return None
        try:
            return await self._ask(lines, task, SummaryDraft, SUMMARY_TOKENS)
        except PromptTooLong as error:
            log.info("transcript longer than estimated: %s", error)
            return None

    async def _notes_on(self, part: Sequence[Line]) -> list[Line]:
        task = ask_for_notes(self.language, duration_min(part))
        try:
            draft = await self._ask(part, task, NotesDraft, NOTES_TOKENS)
        except PromptTooLong as error:
            log.info("part longer than estimated: %s", error)
            half = len(part) // 2
            if not half:
                return list(part)
            return await self._notes_on(part[:half]) + await self._notes_on(part[half:])
        except BadModelOutput as error:
            log.warning("no usable notes on a part: %s", error)
            return await asyncio.to_thread(self._key_sentences, part)
        return self._as_lines(draft)

    async def _ask(
        self, lines: Sequence[Line], task: Message, kind: type[Kind], max_tokens: int
    ) -> Kind:
        """Ask the model, and once more if its reply is unusable."""
        starts = [line.said.start_s for line in lines]
        tokens = reply_tokens(self.model, max_tokens)

        async def attempt(task: Message) -> Kind:
            asked = prompt([self._passage(lines)], task)
            reply = await self.model.complete(
                asked, max_tokens=tokens, schema=schema(kind, len(lines))
            )
            return parse(reply, kind, starts)

        try:
            draft = await attempt(task)
        except BadModelOutput as error:
            log.info("unusable reply, asking again: %s", error)
            draft = await attempt(ask_again(task, error.detail[:_PROBLEM_CHARACTERS]))
        self._to_segments(draft, lines)
        return draft

    def _to_segments(self, draft: NotesDraft | SummaryDraft, lines: Sequence[Line]) -> None:
        """Replace line numbers with segment numbers, in place."""
        for chapter in draft.chapters:
            chapter.segment = lines[chapter.segment - 1].first + 1
            for point in chapter.points:
                point.segment = self._best_segment(point, lines[point.segment - 1]) + 1
        for point in draft.points:
            point.segment = self._best_segment(point, lines[point.segment - 1]) + 1

    def _best_segment(self, point: PointDraft, line: Line) -> int:
        """Return the index of the line's segment that shares most words with the point."""
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
        transcript = Transcript(
            self.video.id, self.transcript.language, "file", tuple(line.said for line in part)
        )
        firsts = {line.said.start_s: line.first for line in reversed(part)}
        points = extract_summary(self.video, transcript).points
        return [self._as_line(firsts[point.start_s], point.text) for point in points]

    def _split(
        self, lines: Sequence[Line], first: int, chapter_starts: Set[float]
    ) -> list[Sequence[Line]]:
        """Split the lines from `first` on into parts that fit."""
        task = ask_for_notes(self.language, duration_min(lines))
        limit = self._tokens_left(NOTES_TOKENS, task, ())
        rest = lines[first:]
        sizes = [self.model.tokens(f"[999] {line.said.text}\n") for line in rest]
        return split_lines(rest, sizes, limit, chapter_starts) if rest else []

    def _tokens_left(self, max_tokens: int, task: Message, lines: Sequence[Line]) -> int:
        """Return the tokens left beside the prompt and its reply."""
        size = count_tokens(prompt([self._passage(lines)], task), self.model)
        return self.model.num_ctx - reply_tokens(self.model, max_tokens) - _SPARE_TOKENS - size

    def _passage(self, lines: Sequence[Line]) -> Passage:
        return Passage(self.video, tuple(line.said for line in lines))
