"""One child process, seen from its parent: start, send requests, read replies, watch, end."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from contextvars import Context
from typing import Any, BinaryIO, Self

import psutil

from core import log_records
from core.errors import WorkerFailed, WorkerOutOfMemory, WorkerTimeout
from core.text.display import printable
from core.workers.limits import HEARTBEAT_S, ChildLimits
from core.workers.protocol import decode, encode

log = logging.getLogger(__name__)

_MAIN = "core.workers.child_main"
MAX_LINE_BYTES = 256 * 1024 * 1024
_LOG_BYTES = 65_536
"""A longer line of the child's log is cut in pieces."""
_LOG_WAIT_S = 1
"""The last lines of a child tell why it ended: wait so long for them."""
_KILL_WAIT_S = 5
"""A process stuck in a hanging driver may survive SIGKILL: do not wait longer for it."""
# The only environment variables a child gets: paths, library settings, and the proxies and
# certificates without which it could not download in some networks; never a token.
_ENVIRONMENT = re.compile(
    r"PATH|HOME|USER|USERPROFILE|SYSTEMROOT|TE?MP|TMPDIR|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|PYTHONPATH"
    r"|VIRTUAL_ENV|XDG_CACHE_HOME|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|CUDA_\w+|OMP_\w+"
    r"|OPENBLAS_\w+|(?i:https?|all|no)_(?:PROXY|proxy)|HF_(?!TOKEN)\w+|TRANSFORMERS_\w+|SENTENCE_TRANSFORMERS_\w+"
)


class ChildProcess:
    """A running child. After any error it raises it is unusable: call `end`."""

    def __init__(
        self, limits: ChildLimits, process: asyncio.subprocess.Process, files: socket.socket
    ) -> None:
        """`files`: over which the child receives open files."""
        self.is_busy = False
        self._limits = limits
        self._process = process
        self._files = files
        self._about: dict[str, str] = {}
        # It outlives the request that starts it, so it takes nothing of what that is about.
        self._logging = asyncio.create_task(self._log(), context=Context())
        self._requests = 0
        self._has_replied = False
        self._timeout_s: int | None = None
        self._busy_s = self._silent_s = 0

    @classmethod
    async def start(cls, limits: ChildLimits, module: str, setup: Mapping[str, object]) -> Self:
        """Run core/workers/child_main.py, with another `module` than its own backends if one is
        named. Its stderr goes to our log, which can then be rotated and is free of secrets."""
        with ExitStack() as unless_started:
            try:
                ours, theirs = map(unless_started.enter_context, socket.socketpair())
                process = await run_child(limits.name, module, _environment(), theirs)
            except OSError as error:
                raise WorkerFailed(limits.name, "it could not start") from error
            unless_started.pop_all()
        assert process.stdin is not None
        process.stdin.write(encode({**setup, "files": theirs.fileno()}) + b"\n")
        theirs.close()
        return cls(limits, process, ours)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def send(
        self, request: bytes, timeout_s: int | None, file: BinaryIO | None = None
    ) -> None:
        """Send a request, and an open file with it; read its replies with `reply`. `timeout_s`:
        total time, if limited."""
        assert self._process.stdin is not None
        self._requests += 1
        self._about = log_records.current()
        self.is_busy = True
        self._timeout_s, self._busy_s, self._silent_s = timeout_s, 0, 0
        try:
            if file:
                socket.send_fds(self._files, [b"f"], [file.fileno()])
            self._process.stdin.write(request + b"\n")
            await self._process.stdin.drain()
        except OSError as error:
            raise WorkerFailed(self._limits.name, "the process is gone") from error

    async def reply(self) -> dict[str, Any]:
        """Return the next reply that is not a heartbeat.

        Raises WorkerTimeout, WorkerFailed, WorkerOutOfMemory."""
        while "heartbeat" in (reply := await self._line()):
            await self._check_memory()
            self._check_time()
        self._silent_s = 0
        self.is_busy = not reply.keys() & {"done", "error"}
        return reply

    def needs_replacing(self) -> bool:
        """Whether it has served too many requests, or holds too much memory for another."""
        held = 0
        with suppress(psutil.Error):
            held = psutil.Process(self._process.pid).memory_info().rss
        return (
            self._requests >= self._limits.max_requests or held > self._limits.replace_above_bytes
        )

    async def end(self) -> None:
        """Kill it with every process it started, even if it is stopped or stuck."""
        self._files.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(_KILL_WAIT_S):
                await self._process.wait()
        await asyncio.wait({self._logging}, timeout=_LOG_WAIT_S)
        self._logging.cancel()

    async def _log(self) -> None:
        """Write what the child says on stderr to our log, line by line."""
        assert self._process.stderr is not None
        rest = b""
        while piece := await self._process.stderr.read(_LOG_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) >= _LOG_BYTES:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._log_line(line)
        self._log_line(rest)

    def _log_line(self, line: bytes) -> None:
        about = {**self._about, "child": self._limits.name}
        known = log_records.read_line(line)
        if known and (level := logging.getLevelNamesMapping().get(known.level)):
            said = (self._limits.name, known.logger, printable(known.event))
            record = log.makeRecord(log.name, level, "", 0, "%s: %s %s", said, None, extra=about)
            record.exc_text = printable(known.error)
            log.handle(record)
        elif text := printable(line.decode(errors="replace")).strip("\n"):
            log.info("%s: %s", self._limits.name, text, extra=about)

    async def _line(self) -> dict[str, Any]:
        """Wait for a line in many short waits.

        A single long wait could time out because this program or the whole machine stood still."""
        assert self._process.stdout is not None
        limits = self._limits
        timeout_s = limits.heartbeat_timeout_s if self._has_replied else limits.start_timeout_s
        for _ in range(max(timeout_s // HEARTBEAT_S, 1)):
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    line = await self._process.stdout.readline()
            except TimeoutError:
                await self._check_memory()
            except ValueError as error:  # the line is longer than the limit
                raise WorkerFailed(self._limits.name, "invalid reply") from error
            else:
                return await self._read(line)
        raise WorkerTimeout(self._limits.name, timeout_s)

    async def _read(self, line: bytes) -> dict[str, Any]:
        if not line.endswith(b"\n"):
            raise await self._cause_of_death()
        self._has_replied = True
        try:
            return decode(line)
        except ValueError as error:
            raise WorkerFailed(self._limits.name, "invalid reply") from error

    async def _cause_of_death(self) -> WorkerFailed:
        code = await self._process.wait()
        if code == -signal.SIGKILL:  # not sent by us: the OOM killer
            return WorkerOutOfMemory(self._limits.name, "ended by SIGKILL")
        reason = signal.Signals(-code).name if code < 0 else f"code {code}"
        return WorkerFailed(self._limits.name, f"ended by {reason}")

    async def _check_memory(self) -> None:
        held = await asyncio.to_thread(_memory_bytes, self._process.pid)
        if held > self._limits.memory_bytes:
            raise WorkerOutOfMemory(self._limits.name, f"it held {held >> 20} MB")

    def _check_time(self) -> None:
        """Count heartbeats, not the clock: a child that could not run loses no time."""
        self._silent_s += HEARTBEAT_S
        self._busy_s += HEARTBEAT_S
        if self._silent_s > self._limits.reply_timeout_s:
            raise WorkerTimeout(self._limits.name, self._limits.reply_timeout_s)
        if self._timeout_s is not None and self._busy_s > self._timeout_s:
            raise WorkerTimeout(self._limits.name, self._timeout_s)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if _ENVIRONMENT.fullmatch(name)}


async def run_child(
    role: str, module: str, environment: Mapping[str, str], files: socket.socket
) -> asyncio.subprocess.Process:
    """Start Python with core/workers/child_main.py. Raises OSError if it cannot start."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _MAIN, role, *filter(None, [module])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        pass_fds=[files.fileno()],
        start_new_session=True,  # killed with its own children, and not by Ctrl-C
        limit=MAX_LINE_BYTES,
    )


def _memory_bytes(pid: int) -> int:
    """Resident memory in bytes of the process and its descendants; 0 once it is gone."""
    held = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                held += one.memory_info().rss
    return held
