"""Checkpoint the notes on a long transcript's parts, so that a kill costs at most one part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from core.model import Segment, Transcript
from core.ports import Checkpoints, Prompt
from core.summary.transcript_parts import Line


@dataclass(frozen=True, slots=True)
class PartNotes:
    """The notes on one part, and how many of its lines they replace. `quoted`: how many of them are
    the part's own sentences, because the model wrote nothing usable."""

    lines: int
    notes: list[Line]
    quoted: int = 0

    @property
    def is_by_model(self) -> bool:
        return self.quoted < len(self.notes)

    def __add__(self, after: PartNotes) -> PartNotes:
        return PartNotes(
            self.lines + after.lines, self.notes + after.notes, self.quoted + after.quoted
        )


@dataclass(frozen=True, slots=True)
class NoteCheckpoints:
    """The stored notes on one transcript's parts."""

    checkpoints: Checkpoints
    video_id: str
    recipe: str

    async def parts(self) -> list[PartNotes]:
        """Load the consecutive parts from number 1 on."""
        kept = await self.checkpoints.load(self.video_id, self.recipe)
        return [_decode(piece) for n, (at, piece) in enumerate(kept.items(), start=1) if at == n]

    async def add(self, number: int, part: PartNotes) -> None:
        """Store the notes on part `number`, counted from 1."""
        await self.checkpoints.save(self.video_id, self.recipe, number, _encode(part))


def notes_recipe_prefix(summary: str) -> str:
    """Return the prefix of all note recipes that belong to a summary recipe."""
    return f"notes {summary} "


def notes_recipe(summary: str, whole: Prompt, lines: Sequence[Line], transcript: Transcript) -> str:
    """Name everything that the notes depend on. `whole`: the prompt for all lines at once.

    The split into parts is excluded: a freshly started model estimates tokens differently, so each
    checkpoint states its number of lines instead."""
    content = repr((whole, lines, transcript))
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
    return notes_recipe_prefix(summary) + digest


def _encode(part: PartNotes) -> str:
    notes = [(line.first, line.count, *astuple(line.said)) for line in part.notes]
    return json.dumps({"lines": part.lines, "notes": notes, "quoted": part.quoted})


def _decode(piece: str) -> PartNotes:
    data = json.loads(piece)
    notes = [Line(first, count, Segment(*said)) for first, count, *said in data["notes"]]
    return PartNotes(data["lines"], notes, data.get("quoted", 0))
