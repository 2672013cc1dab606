"""Search every byte of a data folder for words that should be gone."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path


def residue(data: Path, canaries: Iterable[str | bytes]) -> list[str]:
    """Return "file: canary" for each canary in any file of the folder: in any case, also within
    base64, as DBOS stores values."""
    found = []
    for file in sorted(path for path in data.rglob("*") if path.is_file()):
        where, content = file.relative_to(data), file.read_bytes()
        folded = content.lower()
        found += [
            f"{where}: {canary[:40]!r}"
            for canary in canaries
            if any(form in content or form in folded for form in _forms(canary))
        ]
        found += [f"{where}: its name" for canary in canaries if str(canary) in str(where)]
    return found


def vectors_of(store: Path) -> list[bytes]:
    """Return the beginning of each stored matrix, enough to recognise it."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT vectors FROM chunkings WHERE vectors IS NOT NULL")
        return [bytes(vectors[:64]) for (vectors,) in rows]


def _forms(canary: str | bytes) -> list[bytes]:
    plain = canary.encode() if isinstance(canary, str) else canary
    # Base64 depends on where in a group of three bytes the text begins; its ends are cut off.
    coded = (base64.b64encode(b"\0" * n + plain)[4 if n else 0 : -4] for n in range(3))
    return [plain, plain.lower(), *coded]
