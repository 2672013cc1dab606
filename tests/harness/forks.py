"""Start processes quickly by forking a server that has already imported everything."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PRELOADED = [
    f"tests.harness.{name}"
    for name in ("index_process", "job_process", "killed_migration", "outbox_process")
]
"""What the server imports: a process has one server, which imports nothing later."""


@cache
def fork_context() -> ForkServerContext:
    """Return a multiprocessing context whose children have already imported our harness.

    Until Python 3.14 the server ignores sys.path, and a preload that it can't import as well."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), before)))
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        os.environ |= {"PYTHONPATH": before} if before else {}
    return context


class Fork:
    """A forked process; create it with `forked`."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.sentinel = process.sentinel
        self.over = asyncio.Event()

    async def ended(self) -> int | None:
        """Wait for the end and return the exit code; below 0, the signal that ended it."""
        await self.over.wait()
        self._process.join()
        return self._process.exitcode

    def send(self, signal: int) -> None:
        if not self.over.is_set():
            assert self._process.pid
            os.kill(self._process.pid, signal)


@asynccontextmanager
async def forked(target: Callable[[], None]) -> AsyncIterator[Fork]:
    """Run `target`, which is sent as a pickle, and kill it on exit if it is still running."""
    process = fork_context().Process(target=target)
    process.start()
    fork, loop = Fork(process), asyncio.get_running_loop()
    loop.add_reader(fork.sentinel, fork.over.set)
    try:
        yield fork
    finally:
        loop.remove_reader(fork.sentinel)
        process.kill()
        process.join()
        process.close()
