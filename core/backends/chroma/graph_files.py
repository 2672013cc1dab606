"""This file notes how the files of Chroma's graph look after a call, and sees at the next opening
whether they still do: Chroma reads damaged ones without a word and finds something else."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from core.errors import IndexBroken

Looks = dict[str, tuple[int, int, int]]
"""File → its size, its time of change in nanoseconds, and the CRC-32 of its content."""

_NOTE = "files.json"
_PIECE = 1 << 20


def note(folder: Path, before: Looks) -> Looks:
    """Writes down what changed since `before`, and returns what holds now. Chroma writes its graph
    every thousand rows: most calls cost a glance at the files' times."""
    now = {file.name: _look(file, before) for file in sorted(folder.glob("*/*"))}
    if now != before:
        (folder / _NOTE).write_text(json.dumps(now))
    return now


def check(folder: Path) -> Looks:
    """What was noted, found again byte by byte; a gigabyte takes a second. Raises IndexBroken."""
    try:
        noted = {name: tuple(look) for name, look in _read(folder).items()}
        now = {file.name: _look(file, {}) for file in folder.glob("*/*")}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise IndexBroken("unreadable files") from error
    sizes, sums = (
        {name: (size, crc) for name, (size, _, crc) in looks.items()} for looks in (noted, now)
    )
    if sizes != sums:
        raise IndexBroken("its files are not what they were")
    return now


def _read(folder: Path) -> dict[str, list[int]]:
    noted = folder / _NOTE
    looks: dict[str, list[int]] = json.loads(noted.read_text()) if noted.exists() else {}
    return looks


def _look(file: Path, before: Looks) -> tuple[int, int, int]:
    state = file.stat()
    size, changed_ns, crc = before.get(file.name, (-1, -1, 0))
    if (size, changed_ns) != (state.st_size, state.st_mtime_ns):
        crc = 0
        with file.open("rb") as content:
            while piece := content.read(_PIECE):
                crc = zlib.crc32(piece, crc)
    return state.st_size, state.st_mtime_ns, crc
