"""This file keeps the notes taken of a long transcript's parts until it is summed up, so that a
kill costs one part and no more.
"""

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
    """A part that was read: how many lines it had, and what stands for them."""

    lines: int
    notes: list[Line]


@dataclass(frozen=True, slots=True)
class NoteCheckpoints:
    """The notes of one reading, part by part."""

    checkpoints: Checkpoints
    video_id: str
    recipe: str

    async def parts(self) -> list[PartNotes]:
        """Those at hand, from the first one on."""
        kept = await self.checkpoints.load(self.video_id, self.recipe)
        return [_read(piece) for n, (at, piece) in enumerate(kept.items(), start=1) if at == n]

    async def add(self, number: int, noted: PartNotes) -> None:
        """`number`: of the part, from 1."""
        await self.checkpoints.save(self.video_id, self.recipe, number, _write(noted))


def notes_recipe_prefix(summary: str) -> str:
    """How the recipes of the notes begin that a summary of this recipe is made of."""
    return f"notes {summary} "


def notes_recipe(summary: str, asked: Prompt, lines: Sequence[Line], transcript: Transcript) -> str:
    """Changes with all that the notes depend on. `asked`: as if of all lines at once. How they are
    cut is none of it, for a model that was just started counts tokens otherwise; each part says its
    size instead."""
    content = repr((asked, lines, transcript))
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
    return notes_recipe_prefix(summary) + digest


def _write(noted: PartNotes) -> str:
    notes = [(line.first, line.count, *astuple(line.said)) for line in noted.notes]
    return json.dumps({"lines": noted.lines, "notes": notes})


def _read(piece: str) -> PartNotes:
    told = json.loads(piece)
    notes = [Line(first, count, Segment(*said)) for first, count, *said in told["notes"]]
    return PartNotes(told["lines"], notes)
