"""Index each channel's vectors in embedded Chroma, with one folder and one collection per channel.

Only the index child imports it. Killed during a call, Chroma failed to open again in 9 of 90
tries: it raised, hung while a file grew to 470 GB, or crashed the process. So every call creates a
marker file and removes it afterwards, and a folder with a leftover marker is never opened. One
folder per channel keeps damage from spreading, and allows deleting a channel with its folder,
which Chroma's own delete leaves behind.
"""

from __future__ import annotations

import faulthandler
import hashlib
import shutil
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import chromadb
import numpy as np
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from core.backends.chroma.graph_files import check, note
from core.errors import CoreError, DiskFull, IndexBroken
from core.model import Chunk
from core.ports import Vectors

OPEN_S = 8.0
"""Opening that takes longer never ends, so end the process. A question is then answered without
the index, within ten seconds."""
_MAX_OPEN = 16
"""Channels kept open: each takes 4 MB, 6 threads and 11 file handles. Opening one takes 10 ms."""

# With Chroma's default of 100, a channel of 10,000 chunks missed 13 % of the 50 nearest. This
# misses 1 %, for 0.3 ms more.
_HNSW = {"hnsw": {"space": "cosine", "ef_search": 400}}
_MARKER = "in-use"


class Chroma:
    """A synchronous `VectorIndex` under `folder`. One process, one call at a time.

    After IndexBroken, call `drop` for the channel and put its videos again."""

    def __init__(self, folder: Path, open_s: float = OPEN_S) -> None:
        self._folder = folder
        self._open_s = open_s
        self._open: OrderedDict[Path, _Collection] = OrderedDict()

    def holdings(self, channel: str) -> dict[str, str]:
        """Map video id → digest, for videos with complete rows."""
        if not self._folder_of(channel).exists():
            return {}
        with self._collection(channel) as collection:
            return collection.holdings()

    def put(
        self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk], vectors: Vectors
    ) -> None:
        """Replace the video's chunks.

        If the vectors' size differs, the embedder was changed: drop the channel's old vectors."""
        with self._collection(channel) as collection:
            fits = collection.size in (0, vectors.shape[1])
        if not fits:
            self.drop(channel)
        with self._collection(channel) as collection:
            collection.put(video_id, digest, [chunk.key for chunk in chunks], vectors)

    def nearest(self, channel: str, vector: Vectors, limit: int) -> list[str]:
        """Return chunk keys by cosine similarity, best first."""
        if not self._folder_of(channel).exists():
            return []
        with self._collection(channel) as collection:
            return collection.nearest(vector, limit)

    def drop(self, channel: str, video_id: str | None = None) -> None:
        """Delete one video, or the channel's folder. Deletes a broken channel entirely."""
        folder = self._folder_of(channel)
        if video_id is not None and folder.exists():
            with suppress(IndexBroken), self._collection(channel) as collection:
                collection.delete(video_id)
                return
        self._remove(folder)

    def keep(self, channels: Sequence[str]) -> None:
        """Delete the folders of every channel but these."""
        kept = {self._folder_of(channel) for channel in channels}
        for folder in list(self._folder.glob("*")):
            if folder not in kept:
                self._remove(folder)

    def close(self) -> None:
        """Close all channels. The next call opens what it needs."""
        while self._open:
            self._open.popitem()[1].close()

    def _remove(self, folder: Path) -> None:
        if folder in self._open:
            self._open.pop(folder).close()
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise IndexBroken("the folder cannot be removed")

    def _folder_of(self, channel: str) -> Path:
        """Turn any channel name into a folder name valid on every file system."""
        name = channel.encode("utf-8", "surrogatepass")
        return self._folder / hashlib.sha256(name).hexdigest()[:32]

    @contextmanager
    def _collection(self, channel: str) -> Iterator[_Collection]:
        """Open the channel with its marker; after an error close it and leave the marker."""
        folder = self._folder_of(channel)
        marker = folder / _MARKER
        if marker.exists():
            raise IndexBroken("the last call did not finish")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            marker.touch()
            collection = self._opened(folder, channel)
            yield collection
            collection.checksums = note(folder, collection.checksums)
            marker.unlink()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # Chroma may raise anything, even pyo3's PanicException
            self.close()
            # Chroma caches a client that failed to open and would return it again.
            SharedSystemClient.clear_system_cache()
            raise _translated(error) from error

    def _opened(self, folder: Path, channel: str) -> _Collection:
        if folder not in self._open:
            if len(self._open) == _MAX_OPEN:
                self._open.popitem(last=False)[1].close()
            # Not with a signal: Chroma hangs outside Python, where our handlers do not run.
            faulthandler.dump_traceback_later(self._open_s, exit=True)
            try:
                self._open[folder] = _Collection(folder, channel)
            finally:
                faulthandler.cancel_dump_traceback_later()
        self._open.move_to_end(folder)
        return self._open[folder]


class _Collection:
    """One channel's open, verified collection. `checksums`: of its files, after the last call.

    A video's first row holds its digest and its number of rows."""

    def __init__(self, folder: Path, channel: str) -> None:
        self.checksums = check(folder)
        self._client = chromadb.PersistentClient(folder, Settings(anonymized_telemetry=False))
        self._rows = self._client.get_or_create_collection(
            "chunks",
            embedding_function=None,  # the default one downloads a model
            configuration=_HNSW,
            metadata={"channel": channel.encode("utf-8", "replace").decode()},
        )
        self.size = self._check()

    def _check(self) -> int:
        """Return the size of its vectors, 0 if it has none.

        Chroma opens a partly lost graph without an error; reading the first, the middle and the
        last row detects that."""
        size, count = 0, self._rows.count()
        for offset in sorted({0, count // 2, count - 1}) if count else ():
            row = self._rows.get(limit=1, offset=offset, include=["embeddings"])
            size = len(row["embeddings"][0])
        return size

    def holdings(self) -> dict[str, str]:
        heads = self._rows.get(where={"chunks": {"$gt": 0}}, include=["metadatas"])["metadatas"]
        if sum(head["chunks"] for head in heads) != self._rows.count():
            rows = self._rows.get(include=["metadatas"])["metadatas"]
            counts = Counter(row["video"] for row in rows)
            heads = [head for head in heads if head["chunks"] == counts[head["video"]]]
        return {head["video"]: head["digest"] for head in heads}

    def put(self, video_id: str, digest: str, keys: Sequence[str], vectors: Vectors) -> None:
        self.delete(video_id)
        rows = [{"video": video_id} for _ in keys]
        head = {"video": video_id, "digest": digest, "chunks": len(keys)}
        step = self._client.get_max_batch_size()
        for start in range(0, len(keys), step):
            part = slice(start, start + step)
            metadatas = [head, *rows[1:]][part]
            self._rows.add(ids=keys[part], embeddings=vectors[part], metadatas=metadatas)
        self.size = vectors.shape[1]

    def nearest(self, vector: Vectors, limit: int) -> list[str]:
        if self.size not in (0, len(vector)):
            raise IndexBroken("the channel's vectors have another size")
        found = self._rows.query(np.atleast_2d(vector), n_results=limit, include=[])
        return [str(key) for key in found["ids"][0]]

    def delete(self, video_id: str) -> None:
        self._rows.delete(where={"video": video_id})

    def close(self) -> None:
        with suppress(Exception):  # Chroma may raise anything; it is closed either way
            self._client.close()


def _translated(error: BaseException) -> CoreError:
    if isinstance(error, CoreError):
        return error
    detail = str(error)
    if "disk is full" in detail or "No space left" in detail:
        return DiskFull()
    return IndexBroken(f"{type(error).__name__}: {detail}"[:200])
