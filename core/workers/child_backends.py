"""What a child process serves, by its role: backends, each called by the names of its methods."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core import config
from core.errors import IndexBroken
from core.json_values import from_plain
from core.model import Chunk, SpeechCompute, Video, Window
from core.ports import ProgressCallback
from core.workers.child_server import Method, Setup
from core.workers.protocol import read_vectors

if TYPE_CHECKING:
    from core.backends.chroma.vector_index import Chroma
    from core.backends.embedders.onnx_embedder import OnnxEmbedder
    from core.backends.embedders.sentence_embedder import SentenceEmbedder
    from core.backends.fts5 import Fts5


def build(role: str, setup: Setup) -> dict[str, Method]:
    """Make the backends of `role`. Libraries are imported, but models not loaded."""
    return _ROLES[role](setup)


# Each builder imports its own libraries, so that no child loads those of another role.


def _fetch(setup: Setup) -> dict[str, Method]:
    from core.backends.youtube import YouTube

    youtube = YouTube(
        config.YouTube.model_validate(setup["youtube"]),
        config.Limits.model_validate(setup["limits"]),
    )

    def download(on_progress: ProgressCallback, video: object, folder: str) -> str:
        return str(youtube.download(from_plain(Video, video), Path(folder), on_progress))

    return {
        "look_up": lambda on_progress, video_id: youtube.look_up(video_id),
        "download": download,
        "captions": lambda on_progress, video, language: youtube.captions(
            from_plain(Video, video), language
        ),
    }


def _speech(setup: Setup) -> dict[str, Method]:
    from core.backends.whisper import Whisper, model_loading

    speech = config.Speech.model_validate(setup["speech"])
    whisper = Whisper(speech, config.Limits.model_validate(setup["limits"]))

    def transcribe(
        on_progress: ProgressCallback, file: BinaryIO, language: str, from_s: float, compute: object
    ) -> Iterator[Window]:
        checked = from_plain(SpeechCompute, compute) if compute else None
        return whisper.transcribe(file, language, from_s, checked)

    return {
        "transcribe": transcribe,
        "resolve_compute": lambda on_progress, compute: whisper.resolve_compute(
            from_plain(SpeechCompute, compute)
        ),
        "device": lambda on_progress: model_loading.device(speech.device),
        "is_downloaded": lambda on_progress: model_loading.is_downloaded(speech.model),
    }


def _index(setup: Setup) -> dict[str, Method]:
    @cache
    def folder() -> Path:
        """The cache folder, locked until this process ends: Chroma allows one process at a time."""
        cache_folder = Path(setup["cache"])
        lock = os.open(cache_folder / "lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise IndexBroken("another process is using it") from error
        return cache_folder

    @cache
    def embedder() -> SentenceEmbedder | OnnxEmbedder:
        return _make_embedder(config.Embedding.model_validate(setup["embedding"]))

    @cache
    def vectors() -> Chroma:
        from core.backends.chroma.vector_index import Chroma

        return Chroma(folder() / "chroma")

    @cache
    def keywords() -> Fts5:
        from core.backends.fts5 import Fts5

        return Fts5(folder() / "keywords.sqlite")

    def put_vectors(
        on_progress: ProgressCallback,
        channel: str,
        video_id: str,
        digest: str,
        chunks: object,
        array: object,
    ) -> None:
        vectors().put(
            channel, video_id, digest, from_plain(list[Chunk], chunks), read_vectors(array)
        )

    def put_words(
        on_progress: ProgressCallback, channel: str, video_id: str, digest: str, chunks: object
    ) -> None:
        keywords().put(channel, video_id, digest, from_plain(list[Chunk], chunks))

    return {
        "load": lambda on_progress: embedder().load(),
        "embed": lambda on_progress, texts, kind: embedder().embed(texts, kind),
        "vectors.holdings": lambda on_progress, channel: vectors().holdings(channel),
        "vectors.put": put_vectors,
        "vectors.drop": lambda on_progress, channel, video_id: vectors().drop(channel, video_id),
        "vectors.keep": lambda on_progress, channels: vectors().keep(channels),
        "vectors.nearest": lambda on_progress, channel, array, limit: vectors().nearest(
            channel, read_vectors(array), limit
        ),
        "keywords.holdings": lambda on_progress, channel: keywords().holdings(channel),
        "keywords.put": put_words,
        "keywords.drop": lambda on_progress, channel, video_id: keywords().drop(channel, video_id),
        "keywords.keep": lambda on_progress, channels: keywords().keep(channels),
        "keywords.matching": lambda on_progress, channel, tokens, limit: keywords().matching(
            channel, tokens, limit
        ),
    }


def _models(setup: Setup) -> dict[str, Method]:
    def speech(on_progress: ProgressCallback, model: str) -> None:
        from core.backends.whisper import model_loading

        model_loading.find_or_download(model)

    def embedding(on_progress: ProgressCallback, model: str) -> None:
        from core.backends.embedders.model_files import ask_hub

        ask_hub(model)  # in seconds, where the engine takes long to import
        _make_embedder(config.Embedding.model_validate(setup["embedding"])).load()

    return {"speech": speech, "embedding": embedding}


def _make_embedder(settings: config.Embedding) -> SentenceEmbedder | OnnxEmbedder:
    if settings.engine == "onnx":  # without PyTorch, whose import takes seconds
        from core.backends.embedders.onnx_embedder import OnnxEmbedder

        return OnnxEmbedder(settings)
    from core.backends.embedders.sentence_embedder import SentenceEmbedder

    return SentenceEmbedder(settings)


_ROLES: dict[str, Callable[[Setup], dict[str, Method]]] = {
    "fetch": _fetch,
    "speech": _speech,
    "index": _index,
    "models": _models,
}
