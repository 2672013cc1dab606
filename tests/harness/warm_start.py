"""Run the program in a fork of a process that has already imported it.

    with WarmStart() as warm:
        code, out, err = warm.run(["videos", "--json"], os.environ, b"")

Importing what every command imports takes about a second; a test that runs five commands pays for
it once. The fork is a separate process with its own standard streams, environment and arguments,
and starts its child processes as usual. Of our own modules it preloads only those that every
command imports at start-up, so a missing import anywhere else still fails.
"""

from __future__ import annotations

import contextlib
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
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = (
    *("bot.cli.app", "core.bootstrap"),  # ours
    *("alembic.command", "aiosqlite", "dbos", "ollama", "sqlalchemy", "yaml"),
)
LIMIT_S = 240.0
_REQUEST_BYTES = 1 << 20

Request = dict[str, Any]


class WarmStart:
    """A preloaded program that serves requests until closed, several threads at once."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self._address = str(Path(self._folder.name, "socket"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.warm_start", self._address],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], typed: bytes
    ) -> tuple[int, bytes, bytes]:
        """Run the program; return its exit code (below 0: the signal), stdout and stderr."""
        request = json.dumps({"arguments": arguments, "environment": dict(environment)})
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(LIMIT_S)
            connection.connect(self._address)
            theirs_in, ours_in = os.pipe()
            ours_out, theirs_out = os.pipe()
            ours_err, theirs_err = os.pipe()
            theirs = [theirs_in, theirs_out, theirs_err]
            socket.send_fds(connection, [request.encode()], theirs)
            for one in theirs:
                os.close(one)
            out, err = _Reader(ours_out), _Reader(ours_err)
            threading.Thread(target=_write, args=(ours_in, typed), daemon=True).start()
            try:
                code = int(connection.recv(16))
            except TimeoutError:
                connection.shutdown(socket.SHUT_WR)  # the guard kills the program
                raise
            return code, out.all(), err.all()


class _Reader(threading.Thread):
    def __init__(self, source: int) -> None:
        super().__init__(daemon=True)
        self._source, self._read = source, b""
        self.start()

    def run(self) -> None:
        with open(self._source, "rb") as source:
            self._read = source.read()

    def all(self) -> bytes:
        self.join(LIMIT_S)
        return self._read


def _write(target: int, typed: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), open(target, "wb") as file:
        file.write(typed)


def _serve(address: str) -> Request:
    """Fork for every request until the parent is gone. Returns only in the forks."""
    for name in PRELOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the guards
    with socket.socket(socket.AF_UNIX) as server:
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
    """Fork the program, and send its exit code once it ends. Returns only in the program."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    content, streams, _, _ = socket.recv_fds(connection, _REQUEST_BYTES, 3)
    program = _fork()
    if program == 0:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return json.loads(content)
    for stream in streams:
        os.close(stream)
    threading.Thread(target=_kill_when_left, args=(connection, program), daemon=True).start()
    _, status = os.waitpid(program, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _kill_when_left(connection: socket.socket, program: int) -> None:
    with contextlib.suppress(OSError):
        connection.recv(1)
        os.kill(program, signal.SIGKILL)


def _fork() -> int:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return os.fork()  # numpy's threads are idle


def _become_the_program(request: Request) -> None:
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["bot", *request["arguments"]]
    runpy.run_module("bot", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _become_the_program(_serve(sys.argv[1]))
