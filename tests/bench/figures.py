"""A measurement's result: a row with its goal, and statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `goal` is its maximum; None: for information only, never missed."""

    what: str
    figure: float
    unit: str
    goal: float | None = None
    about: str = ""

    @property
    def is_met(self) -> bool:
        return self.goal is None or self.figure <= self.goal


def percentile(figures: Sequence[float], share: float) -> float:
    """The smallest figure that `share` of all are not above (nearest rank).

    >>> percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.95)
    (2, 4)
    """
    return sorted(figures)[max(math.ceil(share * len(figures)), 1) - 1]


def table(rows: Sequence[Row]) -> str:
    """Format rows as aligned columns: what, figure, goal, met."""
    cells = [("what", "figure", "goal", "met")] + [_cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for (what, *rest), about in zip(cells, ["", *(row.about for row in rows)], strict=True):
        columns = [what.ljust(widths[0])]
        columns += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([*columns, about]).rstrip())
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, str, str, str]:
    if row.goal is None:
        return row.what, _told(row.figure, row.unit), "", ""
    met = "yes" if row.is_met else "NO"
    return row.what, _told(row.figure, row.unit), f"≤ {row.goal:g} {row.unit}".rstrip(), met


def _told(figure: float, unit: str) -> str:
    """Format the figure with three significant digits."""
    digits = 0 if figure >= 100 or figure == int(figure) else 2
    return f"{figure:.{digits}f} {unit}".rstrip()
