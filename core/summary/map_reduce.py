"""Summarise a transcript of any length with a language model: in one call where it fits the
context, else by notes on each part (map) and a summary of the notes (reduce).

The model may write badly. A part that it fails at is halved once, then represented by its own key
sentences, so nothing is left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence, Set
from dataclasses import dataclass
from math import ceil

from core.errors import BadModelOutput, PromptTooLong
from core.language_model.context_budget import count_tokens, reply_tokens
from core.language_model.prompts import ask_for_notes, ask_for_summary, prompt
from core.language_model.replies import NotesDraft, SummaryDraft
from core.model import Passage, Progress, Summary, Transcript, Video
from core.ports import Checkpoints, LanguageModel, Message, ProgressCallback
from core.summary.chapters import find_chapters
from core.summary.checkpoints import NoteCheckpoints, PartNotes, notes_recipe
from core.summary.extractive import extract_summary
from core.summary.notes import note_line, note_lines, summary_of_notes, to_segments
from core.summary.transcript_parts import (
    Line,
    count_characters,
    duration_min,
    merge_into_lines,
    split_lines,
)
from core.summary.writer import PROBLEM_TOKENS, Attempt, Writer

log = logging.getLogger(__name__)

SUMMARY_TOKENS, NOTES_TOKENS = 3072, 1024
"""Reply limits; `reply_tokens` caps them at a quarter of the context."""
_MAX_RATIO = 0.8  # notes longer than this share of their source are halved
_MIN_HALVED = 8  # lines; a shorter part is not halved
_MAX_FAILED_PARTS = 3  # in a row; then the model is given up


@dataclass(frozen=True, slots=True)
class Written:
    """`is_quoted`: parts of it are the video's own sentences."""

    draft: SummaryDraft
    is_quoted: bool = False


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

    async def write(self) -> Written:
        """Return a summary whose every `segment` is a segment's index + 1.

        A transcript that fits takes one call. Otherwise, and where that call was of no use, the
        model takes notes on every part. Raises BadModelOutput if it writes nothing usable at all,
        the server's errors, and PromptTooLong only if not even one line fits."""
        lines = [Line(i, 1, segment) for i, segment in enumerate(self.transcript.segments)]
        attempt = await self._summarise(lines, of_notes=False)
        if attempt and attempt.whole:
            return Written(attempt.whole)
        chapters = await asyncio.to_thread(find_chapters, self.video, self.transcript)
        chapter_starts = {chapter.start_s for chapter in chapters}
        lines = list(merge_into_lines(self.transcript.segments, chapter_starts))
        return await self._map_and_reduce(lines, chapter_starts, least_parts=2 if attempt else 1)

    async def _map_and_reduce(
        self, lines: Sequence[Line], chapter_starts: Set[float], least_parts: int
    ) -> Written:
        done, is_quoted = 0.0, False
        while True:
            checkpoints = self._note_checkpoints(lines)
            found = await checkpoints.parts()
            rest = lines[sum(part.lines for part in found) :]
            parts = self._split(lines, rest, chapter_starts, least_parts)
            end = done + (1 - done) * 0.9
            found = await self._take_notes(found, parts, checkpoints, done, end)
            notes = [line for part in found for line in part.notes]
            is_quoted = is_quoted or any(part.quoted for part in found)
            attempt = await self._summarise(notes, of_notes=True)
            if attempt and attempt.whole:
                return Written(attempt.whole, is_quoted)
            if attempt:
                return await self._from_notes(notes, attempt.draft, is_quoted=is_quoted)
            if len(notes) < 2:
                raise PromptTooLong(self.model.tokens(notes[0].said.text), self.model.num_ctx)
            if count_characters(notes) > _MAX_RATIO * count_characters(lines):
                notes = notes[::2]  # a model with long-winded notes would loop forever
            lines, done, least_parts = notes, end, 1

    async def _take_notes(
        self,
        found: Sequence[PartNotes],
        parts: Sequence[Sequence[Line]],
        checkpoints: NoteCheckpoints,
        done: float,
        end: float,
    ) -> list[PartNotes]:
        """Take notes on `parts`, after those that are `found`. `done`, `end`: progress, 0 to 1.

        Raises BadModelOutput if the model wrote nothing usable on any part, or on many in a row."""
        found, failed = list(found), 0
        step = (end - done) / (len(found) + len(parts))
        if found:
            self.on_progress(Progress("summarise", done + step * len(found)))
        for part in parts:
            notes = await self._notes_on(part)
            failed = 0 if notes.is_by_model else failed + 1
            if failed == _MAX_FAILED_PARTS:
                raise BadModelOutput(f"no usable notes on {failed} parts in a row")
            found.append(notes)
            await checkpoints.add(len(found), notes)
            self.on_progress(Progress("summarise", done + step * len(found)))
        if not any(notes.is_by_model for notes in found):
            raise BadModelOutput("no usable notes on any part")
        return found

    def _note_checkpoints(self, lines: Sequence[Line]) -> NoteCheckpoints:
        task = ask_for_notes(self.language, duration_min(lines))
        asked = prompt([self._passage(lines)], task)
        summary = f"{self.model.name} {self.language}"
        recipe = notes_recipe(summary, asked, lines, self.transcript)
        return NoteCheckpoints(self.checkpoints, self.video.id, recipe)

    async def _summarise(
        self, lines: Sequence[Line], *, of_notes: bool
    ) -> Attempt[SummaryDraft] | None:
        """Summarise the lines in one call; None if they do not fit."""
        marks = self.video.marks
        task = ask_for_summary(self.language, duration_min(lines), marks, of_notes=of_notes)
        if self._tokens_left(SUMMARY_TOKENS, task, lines) < 0:
            return None
        try:
            attempt = await self._writer.draft(
                self._passage(lines), task, SummaryDraft, SUMMARY_TOKENS
            )
        except PromptTooLong as error:
            log.info("transcript longer than estimated: %s", error)
            return None
        if attempt.draft:
            to_segments(attempt.draft, lines, self.transcript.segments)
        return attempt

    async def _notes_on(self, part: Sequence[Line], *, may_halve: bool = True) -> PartNotes:
        task = ask_for_notes(self.language, duration_min(part))
        try:
            attempt = await self._writer.draft(self._passage(part), task, NotesDraft, NOTES_TOKENS)
        except PromptTooLong as error:
            log.info("part longer than estimated: %s", error)
            if len(part) < 2:
                return PartNotes(1, list(part), quoted=1)
            return await self._halves(part, may_halve=may_halve)
        if attempt.whole is None and may_halve and len(part) >= _MIN_HALVED:
            return await self._halves(part, may_halve=False)
        return await self._completed(part, attempt)

    async def _halves(self, part: Sequence[Line], *, may_halve: bool) -> PartNotes:
        half = len(part) // 2
        first = await self._notes_on(part[:half], may_halve=may_halve)
        return first + await self._notes_on(part[half:], may_halve=may_halve)

    async def _completed(self, part: Sequence[Line], attempt: Attempt[NotesDraft]) -> PartNotes:
        """Return the attempt's notes, and key sentences for the lines that it did not reach."""
        notes, rest = [], part
        if attempt.draft:
            last = max(point.segment for point in attempt.draft.points)
            rest = () if attempt.whole else part[last:]
            to_segments(attempt.draft, part, self.transcript.segments)
            notes = note_lines(attempt.draft, self.transcript.segments)
        if not rest:
            return PartNotes(len(part), notes)
        log.warning("no usable notes on %d lines: their key sentences are used", len(rest))
        quotes = await asyncio.to_thread(self._key_sentences, rest)
        return PartNotes(len(part), [*notes, *quotes], quoted=len(quotes))

    def _key_sentences(self, lines: Sequence[Line]) -> list[Line]:
        firsts = {line.said.start_s: line.first for line in reversed(lines)}
        return [
            note_line(firsts[point.start_s], point.text, self.transcript.segments)
            for point in self._extract(lines).points
        ]

    async def _from_notes(
        self, notes: Sequence[Line], broken: SummaryDraft | None, *, is_quoted: bool
    ) -> Written:
        """Make the summary of the notes themselves; the topic is what came of the model's."""
        log.warning("no usable summary of the notes: they are used as they are")
        if broken:
            return Written(summary_of_notes(notes, broken.topic), is_quoted)
        extract = await asyncio.to_thread(self._extract, notes)
        return Written(summary_of_notes(notes, extract.topic), is_quoted=True)

    def _extract(self, lines: Sequence[Line]) -> Summary:
        said = tuple(line.said for line in lines)
        transcript = Transcript(self.video.id, self.transcript.language, "file", said)
        return extract_summary(self.video, transcript)

    def _split(
        self,
        lines: Sequence[Line],
        rest: Sequence[Line],
        chapter_starts: Set[float],
        least_parts: int,
    ) -> list[Sequence[Line]]:
        """Split the `rest` of the lines into parts that fit; all lines would make `least_parts`."""
        if not rest:
            return []
        task = ask_for_notes(self.language, duration_min(lines))
        sizes = [self.model.tokens(f"[999] {line.said.text}\n") for line in lines]
        limit = min(self._tokens_left(NOTES_TOKENS, task, ()), ceil(sum(sizes) / least_parts))
        return split_lines(rest, sizes[-len(rest) :], limit, chapter_starts)

    def _tokens_left(self, max_tokens: int, task: Message, lines: Sequence[Line]) -> int:
        """Return the tokens left beside the prompt and its reply."""
        size = count_tokens(prompt([self._passage(lines)], task), self.model)
        return self.model.num_ctx - reply_tokens(self.model, max_tokens) - PROBLEM_TOKENS - size

    def _passage(self, lines: Sequence[Line]) -> Passage:
        return Passage(self.video, tuple(line.said for line in lines))

    @property
    def _writer(self) -> Writer:
        return Writer(self.model, self.language, self.transcript.language)
