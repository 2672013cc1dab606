"""Index writes and look-ups for a process that a test can kill."""

from __future__ import annotations

from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from core.backends.chroma.vector_index import Chroma
from core.backends.fts5 import Fts5
from core.errors import IndexBroken
from core.model import Chunk
from core.ports import Vectors
from core.text.tokens import tokenise

CHANNEL = "hive"
CHUNKS = 40


def chunks_of(video: str) -> list[Chunk]:
    return [
        Chunk(video, i, 0.0, 1.0, i, i, "", f"bees of {video} on day {1000 + i}")
        for i in range(CHUNKS)
    ]


def vectors_of(video: str) -> Any:
    rows = np.random.default_rng(list(video.encode())).normal(size=(CHUNKS, 384))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def put(index: Chroma | Fts5, video: str) -> None:
    vectors = (vectors_of(video),) if isinstance(index, Chroma) else ()
    index.put(CHANNEL, video, f"digest of {video}", chunks_of(video), *vectors)


def find(index: Chroma | Fts5, video: str) -> list[str]:
    """Find the chunks nearest to the video's eighth chunk."""
    if isinstance(index, Chroma):
        return index.nearest(CHANNEL, vectors_of(video)[7], 5)
    return index.matching(CHANNEL, tokenise(f"{video} 1007"), 5)


def put_without_end(kind: type[Chroma] | type[Fts5], path: Path, pipe: Connection) -> None:
    """Put videos until killed; send each one's name once it is stored."""
    index = kind(path)
    for number in count():
        put(index, f"v{number}")
        pipe.send(f"v{number}")


def put_when_told(
    path: Path,
    channel: str,
    video: tuple[str, str, list[Chunk], Vectors],
    pipe: Connection,
) -> None:
    """Open the channel, report what it holds, wait for a message, then put the video."""
    index = Chroma(path)
    pipe.send(list(index.holdings(channel)))
    pipe.recv()
    index.put(channel, *video)


def look(path: Path, open_s: float, pipe: Connection) -> None:
    """Send what Chroma holds and the hits for each video, or "broken"."""
    index = Chroma(path, open_s)
    try:
        held = index.holdings(CHANNEL)
        pipe.send({video: find(index, video) for video in held})
    except IndexBroken:
        pipe.send("broken")
