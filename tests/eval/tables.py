"""A table of figures, and the ratchet that keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TOLERANCE = 0.02
"""A figure may fall by two points before the ratchet fails."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of shares, higher is better unless `about` says otherwise. `key` names the table in the
    ratchet, with the rows in `kept`."""

    key: str
    title: str
    about: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[float]]
    kept: Sequence[str] = ()
    goals: Mapping[str, float] = field(default_factory=dict)
    """The least that a column's figure in the kept rows should be."""

    def figures(self) -> dict[str, float]:
        """Return what the ratchet keeps, by "table / row / column"."""
        return {
            f"{self.key} / {row} / {column}": round(figure, 4)
            for row in self.kept
            for column, figure in zip(self.columns, self.rows[row], strict=True)
        }

    def markdown(self) -> str:
        """Return the table under its title."""
        head = ["", *self.columns]
        lines = [head, ["---"] * len(head)]
        lines += [
            [name, *(f"{figure:.3f}".lstrip("0") for figure in row)]
            for name, row in self.rows.items()
        ]
        if self.goals:
            goals = (self.goals.get(column) for column in self.columns)
            lines.append(["*goal*", *("" if goal is None else f"*{goal:g}*" for goal in goals)])
        body = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        return f"## {self.title}\n\n{self.about}\n\n{body}\n"


def fallen(before: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """Return a line for each figure that fell by more than two points, or is no longer measured.

    >>> fallen({"a": 0.80, "b": 0.5}, {"a": 0.77, "b": 0.49})
    ['a: 0.800 before, 0.770 now']
    >>> fallen({"a": 0.8}, {})
    ['a: 0.800 before, not measured now']
    """
    lines = []
    for name, figure in before.items():
        if name not in now:
            lines.append(f"{name}: {figure:.3f} before, not measured now")
        elif now[name] < figure - TOLERANCE:
            lines.append(f"{name}: {figure:.3f} before, {now[name]:.3f} now")
    return lines
