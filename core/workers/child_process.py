"""This file is one child process as its parent sees it: started, spoken to, watched and ended."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil

from core.errors import WorkerFailed, WorkerOutOfMemory, WorkerTimeout
from core.workers.limits import HEARTBEAT_S, ChildLimits
from core.workers.protocol import decode

_LONGEST_LINE = 256 * 1024 * 1024
_DIES_S = 5
"""One that the kernel itself cannot end, in a driver that hangs, is not waited for."""
# All that a child may know of our environment: where things are, never a token.
_PASSED_ON = re.compile(
    r"PATH|HOME|USER|USERPROFILE|SYSTEMROOT|TE?MP|TMPDIR|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|PYTHONPATH"
    r"|VIRTUAL_ENV|XDG_CACHE_HOME|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CUDA_\w+|OMP_\w+|OPENBLAS_\w+"
    r"|HF_(?!TOKEN)\w+|TRANSFORMERS_\w+|SENTENCE_TRANSFORMERS_\w+"
)


class ChildProcess:
    """A child at work. Whatever it raises, it is of no use any more and must be ended."""

    def __init__(self, role: ChildLimits, process: asyncio.subprocess.Process) -> None:
        self.is_busy = False
        self._role = role
        self._process = process
        self._requests = 0
        self._has_spoken = False
        self._longest_s: int | None = None
        self._worked_s = self._silent_s = 0

    @classmethod
    async def start(cls, role: ChildLimits, module: str, setup: bytes, log_file: Path) -> Self:
        """Runs `module`, as core/workers/child_main.py expects it. Its errors go to `log_file`."""
        environment = {
            name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)
        }
        try:
            with log_file.open("ab") as errors:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", module, role.name),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    env=environment,
                    start_new_session=True,  # it dies with all it started, and not by Ctrl-C
                    limit=_LONGEST_LINE,
                )
        except OSError as error:
            raise WorkerFailed(role.name, "it cannot be started") from error
        assert process.stdin is not None
        process.stdin.write(setup + b"\n")
        return cls(role, process)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, request: bytes, timeout_s: int | None) -> None:
        """`timeout_s`: what it may take in all. The answer comes by `word`."""
        assert self._process.stdin is not None
        self._requests += 1
        self.is_busy = True
        self._longest_s, self._worked_s, self._silent_s = timeout_s, 0, 0
        try:
            self._process.stdin.write(request + b"\n")
            await self._process.stdin.drain()
        except OSError as error:
            raise WorkerFailed(self._role.name, "it is gone") from error

    async def word(self) -> dict[str, Any]:
        """What it says next about its request.

        Raises WorkerTimeout, WorkerFailed, WorkerOutOfMemory."""
        while "beat" in (said := await self._line()):
            await self._check_memory()
            self._check_time()
        self._silent_s = 0
        self.is_busy = not said.keys() & {"done", "error"}
        return said

    def is_worn(self) -> bool:
        """It has done enough, or holds too much to be asked again."""
        held = 0
        with suppress(psutil.Error):
            held = psutil.Process(self._process.pid).memory_info().rss
        return self._requests >= self._role.max_requests or held > self._role.replace_above_bytes

    async def end(self) -> None:
        """Ends it with all it started, stopped or stuck as it may be."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(_DIES_S):
                await self._process.wait()

    async def _line(self) -> dict[str, Any]:
        """Beats are waited for in many short waits, not in a long one, which could run out while
        it was our own program or the whole machine that stood still."""
        assert self._process.stdout is not None
        beat_s = self._role.heartbeat_timeout_s if self._has_spoken else self._role.start_timeout_s
        patience_s = min(beat_s, self._role.reply_timeout_s)
        for _ in range(max(patience_s // HEARTBEAT_S, 1)):
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    line = await self._process.stdout.readline()
            except TimeoutError:
                await self._check_memory()
            except ValueError as error:  # a line without an end
                raise WorkerFailed(self._role.name, "it talks nonsense") from error
            else:
                return await self._read(line)
        raise WorkerTimeout(self._role.name, patience_s)

    async def _read(self, line: bytes) -> dict[str, Any]:
        if not line.endswith(b"\n"):
            raise await self._cause_of_death()
        self._has_spoken = True
        try:
            return decode(line)
        except ValueError as error:
            raise WorkerFailed(self._role.name, "it talks nonsense") from error

    async def _cause_of_death(self) -> WorkerFailed:
        code = await self._process.wait()
        if code == -signal.SIGKILL:  # not by us: so does a system that has no memory left
            return WorkerOutOfMemory(self._role.name, "ended by SIGKILL")
        reason = signal.Signals(-code).name if code < 0 else f"code {code}"
        return WorkerFailed(self._role.name, f"ended by {reason}")

    async def _check_memory(self) -> None:
        held = await asyncio.to_thread(_held, self._process.pid)
        if held > self._role.memory_bytes:
            raise WorkerOutOfMemory(self._role.name, f"it held {held >> 20} MB")

    def _check_time(self) -> None:
        """The child counts: time in which it could not run, as nothing else could, is not held
        against it."""
        self._silent_s += HEARTBEAT_S
        self._worked_s += HEARTBEAT_S
        if self._silent_s > self._role.reply_timeout_s:
            raise WorkerTimeout(self._role.name, self._role.reply_timeout_s)
        if self._longest_s is not None and self._worked_s > self._longest_s:
            raise WorkerTimeout(self._role.name, self._longest_s)


def _held(pid: int) -> int:
    """Bytes of memory of the process and all it started; 0 once it is gone."""
    held = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                held += one.memory_info().rss
    return held
