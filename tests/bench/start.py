"""Measure how long a command takes that has almost nothing to do."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from tests.bench import fresh
from tests.bench.figures import Row

TIMES = 7


def measure(folder: Path) -> list[Row]:
    """Time fresh processes from start to end, after an untimed one."""
    data = folder / "data"
    for number in range(3):
        file = folder / f"talk-{number}.srt"
        file.write_text(f"1\n00:00:00,000 --> 00:00:04,000\nThis is talk number {number}.\n")
        fresh.tubethread(data, "ingest", file)
    return [
        _row("tubethread --help", data, "--help", goal=0.5),
        _row("tubethread videos, of a store with three", data, "videos"),
    ]


def _row(what: str, data: Path, argument: str, goal: float | None = None) -> Row:
    _, *runs = [fresh.tubethread(data, argument) for _ in range(TIMES + 1)]
    about = f"CPU {median(run.cpu_s for run in runs):.2f} s"
    return Row(what, median(run.wall_s for run in runs), "s", goal, about)
