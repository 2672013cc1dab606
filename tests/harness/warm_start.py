"""Serve forks of a process that has already imported what a program imports at its start.

    python -m tests.harness.warm_start program|index|speech|misbehaving ADDRESS

Importing takes a program 1.5 s of CPU and its index child 2 s; a test that runs five commands pays
for it once. A fork is a separate process with its own standard streams, environment and arguments;
only its parent is not the process that asked for it. Of our own modules each server preloads those
that every such process imports at start-up, so a missing import anywhere else still fails.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_CHILD = tuple(f"core.workers.child_{name}" for name in ("main", "server", "backends"))
PRELOADED = {
    "program": (
        *("bot.cli.app", "core.bootstrap", "tests.harness.warm_children"),  # ours
        *("alembic.command", "aiosqlite", "dbos", "ollama", "sqlalchemy", "yaml"),
    ),
    "index": (*_CHILD, "chromadb", "onnxruntime", "tokenizers"),
    "speech": (*_CHILD, "faster_whisper"),
    "misbehaving": (*_CHILD, "tests.harness.misbehaving_child"),
}
CHILDREN = ("index", "speech")
"""The child processes of a program that are forks. The fetch child is none: its YouTube is replayed
by a module that Python imports at its start."""
_REQUEST_BYTES = 1 << 20
_servers: list[WarmServer] = []

Request = dict[str, Any]


@cache
def address_of(kind: str) -> str:
    """Start the server of this kind, if need be; it ends with this process."""
    _servers.append(WarmServer(kind))
    return _servers[-1].address


class WarmServer:
    """A preloaded process of one kind, which serves requests until closed, several at once."""

    def __init__(self, kind: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self.address = str(Path(self._folder.name, "socket"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.warm_start", kind, self.address],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"


class WarmProcess:
    """A fork, as seen by who asked for it. `connection` says its exit code when it has ended."""

    def __init__(
        self,
        address: str,
        environment: Mapping[str, str],
        open_files: Sequence[int] = (),
        **request: object,
    ) -> None:
        """Fork the server at `address`, and give the fork open files. `stdin`, `stdout` and
        `stderr` are our ends of pipes."""
        theirs_in, self.stdin = os.pipe()
        self.stdout, theirs_out = os.pipe()
        self.stderr, theirs_err = os.pipe()
        theirs = [theirs_in, theirs_out, theirs_err]
        about = {"umask": _umask(), "environment": dict(environment)}
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.connection.connect(address)
            socket.send_fds(
                self.connection, [json.dumps(about | request).encode()], [*theirs, *open_files]
            )
            self.pid = int(self.connection.recv(16))
        finally:
            for one in theirs:
                os.close(one)

    def exit_code(self) -> int:
        """Wait for its end. Below 0: the signal that ended it."""
        with self.connection:
            return int(self.connection.recv(16))


def _umask() -> int:
    os.umask(mask := os.umask(0))
    return mask


def _serve(kind: str, address: str) -> Request:
    """Fork for every request until the parent is gone. Returns only in the forks."""
    for name in PRELOADED[kind]:
        importlib.import_module(name)
    gc.freeze()  # the forks share the memory as long as nobody writes to it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the guards
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            came, _, _ = select.select([server, sys.stdin.fileno()], [], [])
            if server not in came:
                os._exit(0)
            connection, _ = server.accept()
            with connection:
                if _fork() == 0:
                    return _guard(connection)


def _guard(connection: socket.socket) -> Request:
    """Fork the program; send its pid, and in the end its exit code. Returns only in the program."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    content, streams, _, _ = socket.recv_fds(connection, _REQUEST_BYTES, 4)
    program = _fork()
    if program == 0:
        for number, stream in enumerate(streams[:3]):
            os.dup2(stream, number)
            os.close(stream)
        return json.loads(content) | {"received": streams[3:]}
    for number in (0, *streams):
        os.close(number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection.sendall(str(program).encode())
    _, status = os.waitpid(program, 0)
    with contextlib.suppress(OSError):  # who asked may be gone
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _fork() -> int:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return os.fork()  # numpy's threads are idle


def _become(kind: str, request: Request) -> None:
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(request["umask"])
    if kind == "program":
        from tests.harness import warm_children

        warm_children.install(request["children"])
        sys.argv = ["bot", *request["arguments"]]
        runpy.run_module("bot", run_name="__main__", alter_sys=True)
    else:
        from core.workers import child_main

        [files] = request["received"]
        if files != request["files"]:
            os.dup2(files, request["files"])
            os.close(files)
        os.setsid()
        child_main.main(*request["arguments"])


if __name__ == "__main__":
    _become(sys.argv[1], _serve(*sys.argv[1:]))
