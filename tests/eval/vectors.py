"""Embed texts with the product's own embedder and keep the vectors on disk between runs."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.ports import Kind, Vectors
from tests.harness.embedders import sentence_embedder

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tubethread-eval"
_BATCH = 256


class CachedEmbedder:
    """An `Embedder`. `name` stands in tables; `model` is as in config.yaml."""

    def __init__(self, name: str, model: str) -> None:
        self.name = name
        CACHE.mkdir(parents=True, exist_ok=True)
        self._store = sqlite3.connect(CACHE / "vectors.sqlite", timeout=60)
        self._store.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, row BLOB)")
        self._embedder = sentence_embedder(model, device="cpu")

    async def load(self) -> None:
        """Load nothing: known texts need no model."""

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Return shape (n, d), with rows of length 1."""
        return self.rows(texts, kind)

    def rows(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """The same without waiting. Embeds what is new, texts of like length together."""
        keys = {text: self._key(text, kind) for text in texts}
        new = sorted((text for text in keys if not self._row(keys[text])), key=len)
        for first in range(0, len(new), _BATCH):
            batch = new[first : first + _BATCH]
            rows = self._embedder.embed(batch, kind).astype(np.float32)
            values = [(keys[text], row.tobytes()) for text, row in zip(batch, rows, strict=True)]
            with self._store:
                self._store.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", values)
            if len(new) > _BATCH:
                print(f"{self.name}: {first + len(batch)} of {len(new)}", file=sys.stderr)
        return np.stack([np.frombuffer(self._row(keys[text]), np.float32) for text in texts])

    def _row(self, key: bytes) -> bytes:
        """Return the kept row, or nothing."""
        found = self._store.execute("SELECT row FROM vectors WHERE key = ?", (key,)).fetchone()
        return found[0] if found else b""

    def _key(self, text: str, kind: Kind) -> bytes:
        return hashlib.sha256("\0".join((self.name, kind, text)).encode()).digest()
