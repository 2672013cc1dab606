"""This file is a child process: it builds the backends of one role and obeys supervisor.py.

    python -m core.workers.child_main fetch | speech | index

First line in: the settings. Then one request a line; its replies are `told` (progress), `item`
(results) and at last `done` or `error`, and among them a `beat` every second. The end of the input
ends the process and all it started.
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
from core.model import Chunk, SpeechCompute, Video, Window
from core.ports import ProgressCallback
from core.workers.limits import HEARTBEAT_S
from core.workers.protocol import decode, encode, read, read_vectors

if TYPE_CHECKING:
    from core.backends.chroma.vector_index import Chroma
    from core.backends.embedder import SentenceEmbedder
    from core.backends.fts5 import Fts5

log = logging.getLogger(__name__)

Setup = dict[str, Any]
Method = Callable[..., object]
"""Called with `on_progress` and the request's arguments."""


def serve(role: str, build: Callable[[Setup], dict[str, Method]]) -> None:
    """Obeys until the input ends."""
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {role} %(message)s")
    _come_second()
    # Libraries print to standard output; replies must not be mixed with it.
    replies = Replies(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    setup = decode(lines.get())
    most = setup["max_file_bytes"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))  # Chroma once grew a file to 470 GB
    methods = build(setup)
    threading.Thread(target=replies.beat, daemon=True).start()
    while True:
        request = decode(lines.get())
        with replies.beating():
            _obey(role, methods[request["method"]], request["args"], replies)


class Replies:
    """What this process says. Who works and who beats share one pipe."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._is_at_work = threading.Event()

    def send(self, **reply: object) -> None:
        with self._lock:
            self._file.write(encode(reply) + b"\n")
            self._file.flush()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Inside, a beat is sent every second: work goes on, however long it takes."""
        self._is_at_work.set()
        yield
        self._is_at_work.clear()

    def beat(self) -> None:
        """In a thread of its own: what stops the process, or holds the interpreter, stops it."""
        with suppress(OSError):  # nobody is there to hear it: the process ends by that, too
            while self._is_at_work.wait():
                self.send(beat=True)
                time.sleep(HEARTBEAT_S)


def _come_second() -> None:
    """The main process answers first, and is not the one that a system out of memory ends."""
    os.nice(5)
    with suppress(OSError):  # Linux has it
        Path("/proc/self/oom_score_adj").write_text("500")


def _listen(lines: queue.SimpleQueue[bytes]) -> None:
    """Reads ahead, to notice at once, in the middle of a request too, that the parent is gone."""
    for line in sys.stdin.buffer:
        lines.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _obey(role: str, method: Method, args: dict[str, Any], replies: Replies) -> None:
    try:
        result = method(lambda progress: replies.send(told=progress), **args)
        for item in result if isinstance(result, Iterator) else (result,):
            replies.send(item=item)
        replies.send(done=True)
    except CoreError as error:
        log.info("%s", error, exc_info=True)
        _confess(error, replies)
    except Exception as error:  # a child's last word; the parent goes on
        log.warning("unexpected", exc_info=True)
        is_memory = isinstance(error, MemoryError)
        kind = WorkerOutOfMemory if is_memory else WorkerFailed
        _confess(kind(role, type(error).__name__), replies)


def _confess(error: CoreError, replies: Replies) -> None:
    replies.send(error={"code": error.code, "facts": error.facts})


# Each role imports its libraries when it is built: no child carries another's.


def _fetch(setup: Setup) -> dict[str, Method]:
    from core.backends.youtube import YouTube

    youtube = YouTube(
        config.YouTube.model_validate(setup["youtube"]),
        config.Limits.model_validate(setup["limits"]),
    )

    def download(on_progress: ProgressCallback, video: object, folder: str) -> str:
        return str(youtube.download(read(Video, video), Path(folder), on_progress))

    return {
        "look_up": lambda on_progress, video_id: youtube.look_up(video_id),
        "download": download,
        "captions": lambda on_progress, video, language: youtube.captions(
            read(Video, video), language
        ),
    }


def _speech(setup: Setup) -> dict[str, Method]:
    from core.backends.whisper import Whisper, model_loading

    speech = config.Speech.model_validate(setup["speech"])
    whisper = Whisper(speech)

    def transcribe(
        on_progress: ProgressCallback, audio: str, language: str, from_s: float, compute: object
    ) -> Iterator[Window]:
        wanted = read(SpeechCompute, compute) if compute else None
        return whisper.transcribe(Path(audio), language, from_s, wanted)

    return {
        "transcribe": transcribe,
        "settle": lambda on_progress, compute: whisper.settle(read(SpeechCompute, compute)),
        "device": lambda on_progress: model_loading.device(speech.device),
        "is_downloaded": lambda on_progress: model_loading.is_downloaded(speech.model),
    }


def _index(setup: Setup) -> dict[str, Method]:
    @cache
    def folder() -> Path:
        """The caches, this process's alone as long as it lives: Chroma does not bear two."""
        own = Path(setup["cache"])
        lock = os.open(own / "lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise IndexBroken("another process has it") from error
        return own

    @cache
    def embedder() -> SentenceEmbedder:
        from core.backends.embedder import SentenceEmbedder

        return SentenceEmbedder(config.Embedding.model_validate(setup["embedding"]))

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
        vectors().put(channel, video_id, digest, read(list[Chunk], chunks), read_vectors(array))

    def put_words(
        on_progress: ProgressCallback, channel: str, video_id: str, digest: str, chunks: object
    ) -> None:
        keywords().put(channel, video_id, digest, read(list[Chunk], chunks))

    return {
        "load": lambda on_progress: embedder().load(),
        "embed": lambda on_progress, texts, kind: embedder().embed(texts, kind),
        "vectors.holdings": lambda on_progress, channel: vectors().holdings(channel),
        "vectors.put": put_vectors,
        "vectors.drop": lambda on_progress, channel, video_id: vectors().drop(channel, video_id),
        "vectors.nearest": lambda on_progress, channel, array, limit: vectors().nearest(
            channel, read_vectors(array), limit
        ),
        "keywords.holdings": lambda on_progress, channel: keywords().holdings(channel),
        "keywords.put": put_words,
        "keywords.drop": lambda on_progress, channel, video_id: keywords().drop(channel, video_id),
        "keywords.matching": lambda on_progress, channel, tokens, limit: keywords().matching(
            channel, tokens, limit
        ),
    }


ROLES: dict[str, Callable[[Setup], dict[str, Method]]] = {
    "fetch": _fetch,
    "speech": _speech,
    "index": _index,
}

if __name__ == "__main__":
    serve(sys.argv[1], ROLES[sys.argv[1]])
