"""This file keeps the child processes in which heavy or hostile work is done, one for each role.

A child runs core/child.py. Requests and replies are lines of JSON over its standard streams: what
it says is parsed into values, never executed, for its libraries read files made by strangers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from core.errors import CoreError, WorkerFailed, WorkerTimeout, from_code
from core.model import Progress
from core.ports import Tell
from core.wire import decode, encode, read

log = logging.getLogger(__name__)

LONGEST_LINE = 256 * 1024 * 1024
# All that a child may know of our environment: where things are, never a token.
PASSED_ON = re.compile(
    r"PATH|HOME|USER|USERPROFILE|SYSTEMROOT|TE?MP|TMPDIR|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|PYTHONPATH"
    r"|VIRTUAL_ENV|XDG_CACHE_HOME|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CUDA_\w+|OMP_\w+|OPENBLAS_\w+"
    r"|HF_(?!TOKEN)\w+|TRANSFORMERS_\w+|SENTENCE_TRANSFORMERS_\w+"
)

RoleName = Literal["fetch", "speech", "index"]


@dataclass(frozen=True, slots=True)
class Role:
    """`silence_s`: without a word for so long, it hangs. `disposable`: a request nobody waits for
    any more is ended with its process; otherwise it is let run to its end, if that comes within
    `leave_s`: a program that is told to stop has ten seconds."""

    name: RoleName
    silence_s: int
    disposable: bool
    leave_s: float = 5.0


FETCH = Role("fetch", silence_s=180, disposable=True)
SPEECH = Role("speech", silence_s=1800, disposable=True)  # a batch of a large model on a slow CPU
INDEX = Role("index", silence_s=600, disposable=False)  # may download its model; Chroma must close


class Worker:
    """One child, started at the first request and again after it died; one request at a time."""

    def __init__(
        self,
        role: Role,
        setup: Mapping[str, object],
        log_file: Path,
        module: str = "core.child",
    ) -> None:
        """`setup`: what `module` needs to build its backends. Its errors go to `log_file`."""
        self.role = role
        self._setup = encode(setup)
        self._log_file = log_file
        self._module = module
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.end()

    async def call(self, method: str, tell: Tell | None = None, **args: object) -> Any:
        """The method's result, as JSON holds it. `tell` hears its progress."""
        result = None
        async with aclosing(self.stream(method, tell, **args)) as items:
            async for item in items:
                result = item
        return result

    async def stream(
        self, method: str, tell: Tell | None = None, **args: object
    ) -> AsyncGenerator[Any]:
        """The method's results one by one. Raises what the backend raised, or WorkerFailed,
        WorkerTimeout. Closing it early ends a disposable child at once."""
        async with self._turn:
            settled = False
            try:
                await self._send(encode({"method": method, "args": args}))
                while "done" not in (reply := await self._reply()):
                    if "told" in reply:
                        (tell or _silent)(read(Progress, reply["told"]))
                    elif "error" in reply:
                        settled = True
                        raise _error(reply["error"])
                    else:
                        yield reply["item"]
                settled = True
            finally:
                if not settled:
                    await self._abandon()

    async def end(self) -> None:
        """Ends the child with all it started. The next request starts another one."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _send(self, line: bytes) -> None:
        if self._process is None or self._process.returncode is not None:
            self._process = await self._start()
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(line + b"\n")
            await stdin.drain()
        except OSError as error:
            raise WorkerFailed(self.role.name, "it is gone") from error

    async def _start(self) -> asyncio.subprocess.Process:
        environment = {
            name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)
        }
        with self._log_file.open("ab") as log_file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module, self.role.name),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                env=environment,
                start_new_session=True,  # so that it dies with all it started, and not by Ctrl-C
                limit=LONGEST_LINE,
            )
        assert process.stdin is not None
        process.stdin.write(self._setup + b"\n")
        return process

    async def _reply(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(self.role.silence_s):
                line = await self._process.stdout.readline()
            if line.endswith(b"\n"):
                return decode(line)
        except TimeoutError as error:
            await self.end()
            raise WorkerTimeout(self.role.name, self.role.silence_s) from error
        except ValueError as error:  # no JSON, or a line without an end
            await self.end()
            raise WorkerFailed(self.role.name, "it talks nonsense") from error
        code = await self._process.wait()
        raise WorkerFailed(self.role.name, f"ended by {_reason(code)}")

    async def _abandon(self) -> None:
        """Leaves no half-done request behind: the next replies must be the next request's own."""
        if not self.role.disposable:
            with suppress(WorkerFailed, WorkerTimeout, TimeoutError):
                async with asyncio.timeout(self.role.leave_s):
                    while self._process and not (await self._reply()).keys() & {"done", "error"}:
                        pass
                    return
        await self.end()


def _error(told: dict[str, Any]) -> CoreError:
    facts = {
        name: tuple(fact) if isinstance(fact, list) else fact
        for name, fact in told["facts"].items()
    }
    return from_code(told["code"], facts)


def _reason(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def _silent(progress: Progress) -> None:
    pass
