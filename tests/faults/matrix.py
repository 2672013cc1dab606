"""The fault matrix: its cells, and docs/faults.md, which is made of them and of bot/locale."""

from __future__ import annotations

from bot.rendering.errors import describe_error
from bot.words import Words
from core.errors import CoreError
from tests.faults import engines, platforms
from tests.faults.cell import Cell

MATRIX: dict[str, list[Cell]] = {
    "YouTube": engines.YOUTUBE,
    "Captions": engines.CAPTIONS,
    "Speech recognition": engines.SPEECH,
    "Language model": engines.LANGUAGE_MODEL,
    "Index": engines.INDEX,
    "Discord": platforms.DISCORD,
    "Telegram": platforms.TELEGRAM,
    "Host": platforms.HOST,
}

_OPENING = """\
# What goes wrong, and what then

Written by `python -m tests.faults`; do not edit. Each row is a fault, what people read in English
and Korean (the texts are those of bot/locale), what is left, how often it is tried, and the tests
that show it. A dash: nothing is told, because the work goes on. An error is read where no other way
is left: captions stand in for audio, the extractive engine for the model, and both say so.
"""


def page() -> str:
    """Return docs/faults.md."""
    lines = [_OPENING]
    for component, cells in MATRIX.items():
        lines += [
            f"## {component}\n",
            _row("fault", "people read", "state after", "tries", "shown by"),
        ]
        lines += [_row(*["---"] * 5)]
        lines += [
            _row(cell.fault, _read(cell.reads), cell.state, cell.tries, _shown_by(cell))
            for cell in cells
        ]
        lines += [""]
    lines += []
    return "\n".join(lines)


def _read(reads: CoreError | str | None) -> str:
    if reads is None:
        return "–"
    return "<br>".join(_text(reads, Words(language)) for language in ("en", "ko"))


def _text(reads: CoreError | str, words: Words) -> str:
    if isinstance(reads, str):
        return words(reads)
    told = describe_error(reads, words)
    return f"{told.message} {told.hint}"


def _shown_by(cell: Cell) -> str:
    return "<br>".join(f"`{proof}`" for proof in cell.proofs)


def _row(*fields: str) -> str:
    return f"| {' | '.join(field.replace('|', '/') for field in fields)} |"
