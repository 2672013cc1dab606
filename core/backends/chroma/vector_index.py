"""This file keeps each channel's vectors in Chroma: embedded, one folder and one collection a
channel. Only the index child imports it.

Killed in the middle of a call, Chroma did not open again in 9 of 90 tries: it raised, hung while a
file grew to 470 GB, or took the process with it. So every call leaves a mark while it lasts, and a
folder whose mark was left behind is never opened again. Folders of their own keep one channel's
damage from all others, and make forgetting a channel a matter of removing its folder, which
Chroma's own delete leaves behind.
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
"""An opening that takes longer will never end: the process is ended instead. Whoever waits for an
answer has one without the index before ten seconds are over."""
_OPEN = 16
"""Channels held open: each costs 4 MB, 6 threads and 11 file handles; opening one takes 10 ms."""

# With Chroma's 100 a channel of 10,000 chunks missed 13 of the 50 nearest in 100; this misses 1,
# for 0.3 ms more.
_HNSW = {"hnsw": {"space": "cosine", "ef_search": 400}}
_MARK = "in-use"


class Chroma:
    """`VectorIndex`, synchronous, under `folder`. One process, one call at a time.

    A channel that raised IndexBroken is repaired by `drop` and by putting its videos again."""

    def __init__(self, folder: Path, open_s: float = OPEN_S) -> None:
        self._folder = folder
        self._open_s = open_s
        self._open: OrderedDict[Path, _Collection] = OrderedDict()

    def holdings(self, channel: str) -> dict[str, str]:
        """Video id → digest, of the videos whose rows are all there."""
        if not self._folder_of(channel).exists():
            return {}
        with self._collection(channel) as collection:
            return collection.holdings()

    def put(
        self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk], vectors: Vectors
    ) -> None:
        """Holds these chunks of the video and no others. Vectors of another size than the
        channel's: the embedder was changed, and what the old one made is dropped."""
        with self._collection(channel) as collection:
            fits = collection.size in (0, vectors.shape[1])
        if not fits:
            self.drop(channel)
        with self._collection(channel) as collection:
            collection.put(video_id, digest, [chunk.key for chunk in chunks], vectors)

    def nearest(self, channel: str, vector: Vectors, limit: int) -> list[str]:
        """Chunk keys by cosine, best first."""
        if not self._folder_of(channel).exists():
            return []
        with self._collection(channel) as collection:
            return collection.nearest(vector, limit)

    def drop(self, channel: str, video_id: str | None = None) -> None:
        """Forgets one video, or the channel's folder; a broken channel as a whole."""
        folder = self._folder_of(channel)
        if video_id is not None and folder.exists():
            with suppress(IndexBroken), self._collection(channel) as collection:
                collection.delete(video_id)
                return
        if folder in self._open:
            self._open.pop(folder).close()
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise IndexBroken("the folder cannot be removed")

    def close(self) -> None:
        """May be used again: the next call opens what it needs."""
        while self._open:
            self._open.popitem()[1].close()

    def _folder_of(self, channel: str) -> Path:
        """Any name becomes one that every file system takes."""
        name = channel.encode("utf-8", "surrogatepass")
        return self._folder / hashlib.sha256(name).hexdigest()[:32]

    @contextmanager
    def _collection(self, channel: str) -> Iterator[_Collection]:
        """Open and marked; after an error closed, with the mark left behind."""
        folder = self._folder_of(channel)
        mark = folder / _MARK
        if mark.exists():
            raise IndexBroken("the last call did not come back")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
            collection = self._opened(folder, channel)
            yield collection
            collection.looks = note(folder, collection.looks)
            mark.unlink()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # Chroma raises anything, even PanicException of pyo3
            self.close()
            # What failed to open stays in Chroma's own register and would be handed out again.
            SharedSystemClient.clear_system_cache()
            raise _translated(error) from error

    def _opened(self, folder: Path, channel: str) -> _Collection:
        if folder not in self._open:
            if len(self._open) == _OPEN:
                self._open.popitem(last=False)[1].close()
            # Not by a signal: Chroma hangs outside of Python, where no handler of ours is run.
            faulthandler.dump_traceback_later(self._open_s, exit=True)
            try:
                self._open[folder] = _Collection(folder, channel)
            finally:
                faulthandler.cancel_dump_traceback_later()
        self._open.move_to_end(folder)
        return self._open[folder]


class _Collection:
    """One channel's collection, open and checked; `looks`: how its files look. The first row of a
    video carries its digest and the number of its rows."""

    def __init__(self, folder: Path, channel: str) -> None:
        self.looks = check(folder)
        self._client = chromadb.PersistentClient(folder, Settings(anonymized_telemetry=False))
        self._rows = self._client.get_or_create_collection(
            "chunks",
            embedding_function=None,  # the default one downloads a model
            configuration=_HNSW,
            metadata={"channel": channel.encode("utf-8", "replace").decode()},
        )
        self.size = self._check()

    def _check(self) -> int:
        """The size of its vectors, 0 if it has none. Chroma opens a half lost graph without a word
        and finds what is left: reading the first, the middle and the last row shows it."""
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
        with suppress(Exception):  # Chroma raises anything; there is nothing left to lose
            self._client.close()


def _translated(error: BaseException) -> CoreError:
    if isinstance(error, CoreError):
        return error
    detail = str(error)
    if "disk is full" in detail or "No space left" in detail:
        return DiskFull()
    return IndexBroken(f"{type(error).__name__}: {detail}"[:200])
