"""Implement the ports whose libraries run in child processes, by calling the child."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np

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


class RemoteTranscriber:
    """`Transcriber` in the speech child. Closing the stream early kills the child."""

    def __init__(self, worker: ChildSupervisor) -> None:
        self._worker = worker  # borrowed: the caller closes it

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> AsyncGenerator[Window]:
        stream = self._worker.stream(
            "transcribe", audio=audio, language=language, from_s=from_s, compute=compute
        )
        async with aclosing(stream) as windows:
            async for window in windows:
                yield from_plain(Window, window)

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        return from_plain(
            SpeechCompute, await self._worker.call("resolve_compute", compute=compute)
        )


class RemoteEmbedder:
    """`Embedder` in the index child."""

    def __init__(self, worker: ChildSupervisor, name: str) -> None:
        self._worker = worker  # borrowed: the caller closes it
        self.name = name

    async def load(self) -> None:
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
