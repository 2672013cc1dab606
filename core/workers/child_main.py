"""A child process's program: build the backends of one role and serve requests.

    python -m core.workers.child_main fetch | speech | index

The first line of standard input holds the settings, every further line one request. Replies go to
standard output, one a line: any number of `progress` and `item`, then `done` or `error`, with a
`heartbeat` every second in between. At the end of the input the process ends, with every process
that it started.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core import config
from core.errors import CoreError, IndexBroken, WorkerFailed, WorkerOutOfMemory
from core.json_values import from_plain
from core.log_records import LineFormatter
from core.model import Chunk, SpeechCompute, Video, Window
from core.ports import ProgressCallback
from core.sandbox import confine
from core.workers.limits import HEARTBEAT_S
from core.workers.protocol import decode, encode, read_vectors

if TYPE_CHECKING:
    from core.backends.chroma.vector_index import Chroma
    from core.backends.embedders.onnx_embedder import OnnxEmbedder
    from core.backends.embedders.sentence_embedder import SentenceEmbedder
    from core.backends.fts5 import Fts5

log = logging.getLogger(__name__)

Setup = dict[str, Any]
Method = Callable[..., object]
"""Called with `on_progress` and the request's arguments. A returned iterator is streamed."""


def serve(role: str, build: Callable[[Setup], dict[str, Method]]) -> None:
    """Serve requests until the input ends."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    _lower_priority()
    # Libraries print to standard output, which must not mix with replies: send that to stderr.
    replies = Replies(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    setup = decode(sys.stdin.buffer.readline())
    _confine(setup)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    max_bytes = setup["max_file_bytes"]
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (max_bytes, max_bytes)
    )  # Chroma once grew a file to 470 GB
    methods = build(setup)
    threading.Thread(target=replies.send_heartbeats, daemon=True).start()
    while True:
        request = decode(lines.get())
        with replies.heartbeat():
            _handle(role, methods[request["method"]], request["args"], replies)


class Replies:
    """Writes replies. Shared by the main thread and the heartbeat thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._is_working = threading.Event()

    def send(self, **reply: object) -> None:
        with self._lock:
            self._file.write(encode(reply) + b"\n")
            self._file.flush()

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Send a heartbeat every second inside the block."""
        self._is_working.set()
        yield
        self._is_working.clear()

    def send_heartbeats(self) -> None:
        """Run in a thread of its own, so that a stopped process or held GIL stops the heartbeat."""
        with suppress(OSError):  # the parent is gone: _read_lines ends the process
            while self._is_working.wait():
                self.send(heartbeat=True)
                time.sleep(HEARTBEAT_S)


def _lower_priority() -> None:
    """Nice the child and make it the OOM killer's first choice."""
    os.nice(5)
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text("500")


def _confine(setup: Setup) -> None:
    """Leave the child only the files that it needs, for all its threads, which start later."""
    if places := setup.get("places"):
        os.environ["TMPDIR"] = places["write"][0]
        try:
            if not confine(map(Path, places["read"]), map(Path, places["write"])):
                log.info("this kernel has no Landlock")
        except OSError:  # a container may forbid it; without it the child is as it always was
            log.warning("not confined", exc_info=True)


def _read_lines(lines: queue.SimpleQueue[bytes]) -> None:
    """Read ahead of the work, to notice during a request that the parent is gone; then end."""
    for line in sys.stdin.buffer:
        lines.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _handle(role: str, method: Method, args: dict[str, Any], replies: Replies) -> None:
    try:
        result = method(lambda progress: replies.send(progress=progress), **args)
        for item in result if isinstance(result, Iterator) else (result,):
            replies.send(item=item)
        replies.send(done=True)
    except CoreError as error:
        log.info("%s", error, exc_info=True)
        _send_error(error, replies)
    except Exception as error:  # whatever a library raises becomes a reply
        log.warning("unexpected error", exc_info=True)
        is_memory = isinstance(error, MemoryError)
        kind = WorkerOutOfMemory if is_memory else WorkerFailed
        _send_error(kind(role, type(error).__name__), replies)


def _send_error(error: CoreError, replies: Replies) -> None:
    replies.send(error={"code": error.code, "facts": error.facts})


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
        on_progress: ProgressCallback, audio: str, language: str, from_s: float, compute: object
    ) -> Iterator[Window]:
        checked = from_plain(SpeechCompute, compute) if compute else None
        return whisper.transcribe(Path(audio), language, from_s, checked)

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


def _make_embedder(settings: config.Embedding) -> SentenceEmbedder | OnnxEmbedder:
    if settings.engine == "onnx":  # without PyTorch, whose import takes seconds
        from core.backends.embedders.onnx_embedder import OnnxEmbedder

        return OnnxEmbedder(settings)
    from core.backends.embedders.sentence_embedder import SentenceEmbedder

    return SentenceEmbedder(settings)


ROLES: dict[str, Callable[[Setup], dict[str, Method]]] = {
    "fetch": _fetch,
    "speech": _speech,
    "index": _index,
}

if __name__ == "__main__":
    serve(sys.argv[1], ROLES[sys.argv[1]])
