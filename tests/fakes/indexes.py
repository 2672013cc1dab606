"""In-memory embedder, vector index and keyword index."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from core.errors import CoreError, IndexBroken
from core.model import Chunk
from core.ports import Kind, Vectors
from core.text.tokens import cjk_characters, tokenise

SIZE = 64

Row = TypeVar("Row")
Channels = dict[str, dict[str, tuple[str, dict[str, Row]]]]
"""Channel → video id → digest and rows by chunk key."""


class FakeEmbedder:
    """`Embedder` that gives every token a direction; a text's vector is the normalised sum of its
    tokens'."""

    def __init__(self, name: str = "fake-embedder") -> None:
        self.name = name
        self.embedded = 0
        """Number of texts embedded."""
        self.failure: CoreError | None = None
        """Raised instead of embedding."""
        self._directions: dict[str, Vectors] = {}

    async def load(self) -> None:
        if self.failure:
            raise self.failure

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        await self.load()
        self.embedded += len(texts)
        rows = np.zeros((len(texts), SIZE), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for token in tokenise(text) or [""]:
                row += self._direction(token)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def _direction(self, token: str) -> Vectors:
        if token not in self._directions:
            seed = int.from_bytes(hashlib.sha256(token.encode()).digest()[:8])
            self._directions[token] = np.random.default_rng(seed).normal(size=SIZE)
        return self._directions[token]


class FakeVectorIndex:
    """`VectorIndex` that compares the query with every row."""

    def __init__(self) -> None:
        self._channels: Channels[Vectors] = {}

    async def holdings(self, channel: str) -> dict[str, str]:
        return _holdings(self._channels, channel)

    async def put(
        self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk], vectors: Vectors
    ) -> None:
        if self._size(channel) not in (None, vectors.shape[1]):
            await self.drop(channel)
        rows = dict(zip((chunk.key for chunk in chunks), vectors, strict=True))
        _put(self._channels, channel, video_id, digest, rows)

    async def nearest(self, channel: str, vector: Vectors, limit: int) -> list[str]:
        if self._size(channel) not in (None, len(vector)):
            raise IndexBroken("vectors of another size")
        rows = _rows(self._channels, channel)
        return sorted(rows, key=lambda key: -float(rows[key] @ vector))[:limit]

    async def drop(self, channel: str, video_id: str | None = None) -> None:
        _drop(self._channels, channel, video_id)

    async def keep(self, channels: Sequence[str]) -> None:
        self._channels = {name: held for name, held in self._channels.items() if name in channels}

    def _size(self, channel: str) -> int | None:
        return next((len(row) for row in _rows(self._channels, channel).values()), None)


class FakeKeywordIndex:
    """`KeywordIndex` that ranks by Okapi BM25, as FTS5 does."""

    def __init__(self) -> None:
        self._channels: Channels[Counter[str]] = {}
        self.failure: CoreError | None = None
        """Raised instead of reading."""

    async def holdings(self, channel: str) -> dict[str, str]:
        if self.failure:
            raise self.failure
        return _holdings(self._channels, channel)

    async def put(self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk]) -> None:
        rows = {chunk.key: Counter(tokenise(chunk.indexed)) for chunk in chunks}
        _put(self._channels, channel, video_id, digest, rows)

    async def matching(self, channel: str, tokens: Sequence[str], limit: int) -> list[str]:
        if self.failure:
            raise self.failure
        rows = _rows(self._channels, channel)
        known = {token for row in rows.values() for token in row}
        begun = {own for token in tokens if _is_cjk(token) for own in known if own[0] == token}
        scores = _okapi({*tokens, *begun}, rows)
        found = [key for key, score in scores.items() if score > 0]
        return sorted(found, key=lambda key: -scores[key])[:limit]

    async def drop(self, channel: str, video_id: str | None = None) -> None:
        _drop(self._channels, channel, video_id)

    async def keep(self, channels: Sequence[str]) -> None:
        if self.failure:
            raise self.failure
        self._channels = {name: held for name, held in self._channels.items() if name in channels}


def _is_cjk(token: str) -> bool:
    """Whether it is a single CJK character, which also finds the bigrams that it begins."""
    return len(token) == cjk_characters(token) == 1


def _okapi(tokens: set[str], rows: dict[str, Counter[str]]) -> dict[str, float]:
    having = Counter(token for row in rows.values() for token in tokens & row.keys())
    mean = sum(map(Counter.total, rows.values())) / max(len(rows), 1)

    def score(token: str, row: Counter[str]) -> float:
        idf = math.log((len(rows) - having[token] + 0.5) / (having[token] + 0.5))
        long = 1.2 * (0.25 + 0.75 * row.total() / mean)
        return max(idf, 1e-6) * row[token] * 2.2 / (row[token] + long)

    return {
        key: sum(score(token, row) for token in tokens & row.keys()) for key, row in rows.items()
    }


def _holdings(channels: Channels[Row], channel: str) -> dict[str, str]:
    return {video: digest for video, (digest, _) in channels.get(channel, {}).items()}


def _rows(channels: Channels[Row], channel: str) -> dict[str, Row]:
    videos = channels.get(channel, {}).values()
    return {key: row for _, rows in videos for key, row in rows.items()}


def _put(
    channels: Channels[Row], channel: str, video_id: str, digest: str, rows: dict[str, Row]
) -> None:
    _drop(channels, channel, video_id)
    if rows:
        channels.setdefault(channel, {})[video_id] = (digest, rows)


def _drop(channels: Channels[Row], channel: str, video_id: str | None) -> None:
    if video_id is None:
        channels.pop(channel, None)
    else:
        channels.get(channel, {}).pop(video_id, None)
