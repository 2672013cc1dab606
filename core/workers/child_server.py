"""Serve requests in a child process: lines of JSON from standard input, replies as lines of JSON.

A request is answered by any number of `progress` and `item`, then `done` or `error`, with a
`heartbeat` every second in between.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from core.errors import CoreError, WorkerFailed, WorkerOutOfMemory
from core.workers.limits import HEARTBEAT_S
from core.workers.protocol import decode, encode

log = logging.getLogger(__name__)

Setup = dict[str, Any]
Method = Callable[..., object]
"""Called with `on_progress` and the request's arguments. A returned iterator is streamed."""


def serve(role: str, setup: Setup, build: Callable[[], dict[str, Method]], out: BinaryIO) -> None:
    """Serve requests until the input ends, with the methods that `build` makes."""
    replies = Replies(out)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    methods = build()
    threading.Thread(target=replies.send_heartbeats, daemon=True).start()
    while True:
        request = decode(lines.get())
        with replies.heartbeat(), _received_file(request, setup) as file:
            _handle(role, methods[request["method"]], request["args"] | file, replies)


@contextmanager
def _received_file(request: dict[str, Any], setup: Setup) -> Iterator[dict[str, BinaryIO]]:
    """The open file that came with the request, as its argument `file`."""
    if not request["has_file"]:
        yield {}
        return
    with socket.socket(fileno=os.dup(setup["files"])) as files:
        _, (descriptor,), _, _ = socket.recv_fds(files, 1, 1)
    with os.fdopen(descriptor, "rb") as file:
        yield {"file": file}


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
