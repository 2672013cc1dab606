"""Implement the ports whose libraries run in child processes, by calling the child."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.errors import EmbedderMissing, NotMedia, SpeechModelMissing
from core.json_values import from_plain
from core.model import Chunk, SpeechCompute, Transcript, Video, Window
from core.ports import Kind, ProgressCallback, Vectors
from core.workers.protocol import read_vectors
from core.workers.supervisor import ChildSupervisor

EMBED_BATCH = 8
"""Texts per request. A question waits for one such request at most."""


class RemoteFetcher:
    """`Fetcher` in the fetch child."""

    def __init__(self, worker: ChildSupervisor) -> None:
        self._worker = worker  # borrowed: the caller closes it

    async def look_up(self, video_id: str) -> Video:
        return from_plain(Video, await self._worker.call("look_up", video_id=video_id))

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        return Path(await self._worker.call("download", on_progress, video=video, folder=folder))

    async def captions(self, video: Video, language: str) -> Transcript:
        transcript = await self._worker.call("captions", video=video, language=language)
        return from_plain(Transcript, transcript)


class ModelDownloads:
    """Downloads in the models child: those that read what strangers send only load models."""

    def __init__(self, worker: ChildSupervisor, *, is_offline: bool) -> None:
        """`is_offline`: whether downloads are forbidden."""
        self._worker = worker  # borrowed: the caller closes it
        self._is_offline = is_offline

    async def get(self, kind: Literal["speech", "embedding"], model: str) -> bool:
        """Get a model that another child could not load; False if no download can help.

        Raises SpeechModelMissing, EmbedderMissing, DiskFull."""
        if self._is_offline or model.startswith("package:") or Path(model).expanduser().is_dir():
            return False
        await self._worker.call(kind, model=model)
        return True


class RemoteTranscriber:
    """`Transcriber` in the speech child. Closing the stream early kills the child."""

    def __init__(self, worker: ChildSupervisor, downloads: ModelDownloads) -> None:
        self._worker = worker  # borrowed: the caller closes it
        self._downloads = downloads

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> AsyncGenerator[Window]:
        """After a download of its model it begins again, with a first window once more."""
        args: dict[str, Any] = {"language": language, "from_s": from_s, "compute": compute}
        for is_first in (True, False):
            try:
                async with aclosing(self._windows(audio, args)) as windows:
                    async for window in windows:
                        yield window
                return
            except SpeechModelMissing as error:
                if not (is_first and await self._downloads.get("speech", error.model)):
                    raise

    async def _windows(self, audio: Path, args: dict[str, Any]) -> AsyncGenerator[Window]:
        """The child may not open the audio, nor any other: it is given the open file."""
        try:
            with await asyncio.to_thread(audio.open, "rb") as file:
                stream = self._worker.stream("transcribe", file=file, **args)
                async with aclosing(stream) as windows:
                    async for window in windows:
                        yield from_plain(Window, window)
        except (NotMedia, OSError) as error:
            raise NotMedia(audio.name) from error

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        return from_plain(
            SpeechCompute, await self._worker.call("resolve_compute", compute=compute)
        )


class RemoteEmbedder:
    """`Embedder` in the index child."""

    def __init__(self, worker: ChildSupervisor, name: str, downloads: ModelDownloads) -> None:
        self._worker = worker  # borrowed: the caller closes it
        self._downloads = downloads
        self.name = name

    async def load(self) -> None:
        try:
            await self._worker.call("load", urgent=True)
        except EmbedderMissing:
            if not await self._downloads.get("embedding", self.name):
                raise
            await self._worker.call("load", urgent=True)

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        batches = [texts[i : i + EMBED_BATCH] for i in range(0, len(texts), EMBED_BATCH)]
        urgent = kind == "question"
        embedded = [
            await self._worker.call("embed", urgent=urgent, texts=batch, kind=kind)
            for batch in batches
        ]
        if not embedded:
            return np.empty((0, 0), dtype=np.float32)
        return np.concatenate([read_vectors(vectors) for vectors in embedded])


class RemoteVectorIndex:
    """`VectorIndex` in the index child."""

    def __init__(self, worker: ChildSupervisor) -> None:
        self._worker = worker  # borrowed: the caller closes it

    async def holdings(self, channel: str) -> dict[str, str]:
        holdings = await self._worker.call("vectors.holdings", urgent=True, channel=channel)
        return from_plain(dict[str, str], holdings)

    async def put(
        self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk], vectors: Vectors
    ) -> None:
        await self._worker.call(
            "vectors.put",
            channel=channel,
            video_id=video_id,
            digest=digest,
            chunks=chunks,
            array=vectors,
        )

    async def drop(self, channel: str, video_id: str | None = None) -> None:
        await self._worker.call("vectors.drop", channel=channel, video_id=video_id)

    async def keep(self, channels: Sequence[str]) -> None:
        await self._worker.call("vectors.keep", channels=channels)

    async def nearest(self, channel: str, vector: Vectors, limit: int) -> list[str]:
        keys = await self._worker.call(
            "vectors.nearest", urgent=True, channel=channel, array=vector, limit=limit
        )
        return from_plain(list[str], keys)


class RemoteKeywordIndex:
    """`KeywordIndex` in the index child."""

    def __init__(self, worker: ChildSupervisor) -> None:
        self._worker = worker  # borrowed: the caller closes it

    async def holdings(self, channel: str) -> dict[str, str]:
        holdings = await self._worker.call("keywords.holdings", urgent=True, channel=channel)
        return from_plain(dict[str, str], holdings)

    async def put(self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk]) -> None:
        await self._worker.call(
            "keywords.put", channel=channel, video_id=video_id, digest=digest, chunks=chunks
        )

    async def drop(self, channel: str, video_id: str | None = None) -> None:
        await self._worker.call("keywords.drop", channel=channel, video_id=video_id)

    async def keep(self, channels: Sequence[str]) -> None:
        await self._worker.call("keywords.keep", channels=channels)

    async def matching(self, channel: str, tokens: Sequence[str], limit: int) -> list[str]:
        keys = await self._worker.call(
            "keywords.matching", urgent=True, channel=channel, tokens=tokens, limit=limit
        )
        return from_plain(list[str], keys)
