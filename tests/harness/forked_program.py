"""A forked program with the methods of `subprocess.Popen` that tests use."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from tests.harness.warm_start import WarmProcess


class ForkedProgram:
    """Standard streams are text: UTF-8, with what is not UTF-8 kept."""

    def __init__(self, address: str, environment: Mapping[str, str], **request: object) -> None:
        self._process = process = WarmProcess(address, environment, **request)
        self.pid = process.pid
        self.returncode: int | None = None
        self.stdin, self.stdout, self.stderr = (
            os.fdopen(end, mode, encoding="utf-8", errors="surrogateescape")
            for end, mode in ((process.stdin, "w"), (process.stdout, "r"), (process.stderr, "r"))
        )
        self._waiting = threading.Thread(target=self._wait, daemon=True)
        self._waiting.start()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        self._waiting.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("bot", timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, typed: str = "", timeout: float | None = None) -> tuple[str, str]:
        """Type, read everything it says, and wait for its end."""
        readers = [_Reader(self.stdout), _Reader(self.stderr)]
        threading.Thread(target=_write, args=(self.stdin, typed), daemon=True).start()
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        out, err = (reader.all() for reader in readers)
        return out, err

    def _wait(self) -> None:
        self.returncode = self._process.exit_code()


class _Reader(threading.Thread):
    def __init__(self, stream: IO[Any]) -> None:
        super().__init__(daemon=True)
        self._stream, self._read = stream, ""
        self.start()

    def run(self) -> None:
        with self._stream as stream:
            self._read = stream.read()

    def all(self) -> str:
        self.join()
        return self._read


def _write(stream: IO[Any], typed: str) -> None:
    with suppress(OSError, ValueError), stream:
        stream.write(typed)
