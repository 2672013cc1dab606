"""Record checksums of Chroma's graph files after each call, and verify them when they are opened.

Chroma does not notice damaged files and returns wrong results."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from core.errors import IndexBroken

Checksums = dict[str, tuple[int, int, int]]
"""File name → size, modification time in nanoseconds, and CRC-32 of the content."""

_FILE = "files.json"
_BLOCK_BYTES = 1 << 20


def note(folder: Path, before: Checksums) -> Checksums:
    """Save the present checksums if they differ from `before`, and return them.

    Chroma writes its graph only every thousand rows, so most calls compare only file times."""
    now = {file.name: _checksum(file, before) for file in sorted(folder.glob("*/*"))}
    if now != before:
        (folder / _FILE).write_text(json.dumps(now))
    return now


def check(folder: Path) -> Checksums:
    """Verify all files against the saved checksums, at about 1 GB a second. Raises IndexBroken."""
    try:
        noted = {name: tuple(values) for name, values in _read(folder).items()}
        now = {file.name: _checksum(file, {}) for file in folder.glob("*/*")}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise IndexBroken("unreadable files") from error
    sizes, sums = (
        {name: (size, crc) for name, (size, _, crc) in files.items()} for files in (noted, now)
    )
    if sizes != sums:
        raise IndexBroken("the files do not match their checksums")
    return now


def _read(folder: Path) -> dict[str, list[int]]:
    noted = folder / _FILE
    files: dict[str, list[int]] = json.loads(noted.read_text()) if noted.exists() else {}
    return files


def _checksum(file: Path, before: Checksums) -> tuple[int, int, int]:
    state = file.stat()
    size, changed_ns, crc = before.get(file.name, (-1, -1, 0))
    if (size, changed_ns) != (state.st_size, state.st_mtime_ns):
        crc = 0
        with file.open("rb") as content:
            while block := content.read(_BLOCK_BYTES):
                crc = zlib.crc32(block, crc)
    return state.st_size, state.st_mtime_ns, crc
