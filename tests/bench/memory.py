"""Measure what the main process holds: memory, and libraries that it must not import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench import fresh
from tests.bench.figures import Row


def measure(folder: Path) -> list[Row]:
    """Measure with the core open and no child started, and after the children processed a file."""
    idle = fresh.module("main_process", data=folder / "idle").json
    after = fresh.module("main_process", fresh.SHORT_LECTURE, data=folder / "after").json
    assert idle["children"] == [], idle
    assert after["children"] == ["index", "speech"], after
    return [*_rows("main process, idle", idle), *_rows("main process, after a file", after)]


def _rows(what: str, seen: dict[str, Any]) -> list[Row]:
    forbidden = seen["forbidden"]
    return [
        Row(f"{what}: resident memory", seen["resident_mb"], "MB", 300),
        Row(f"{what}: heavy libraries imported", len(forbidden), "", 0, ", ".join(forbidden)),
    ]
