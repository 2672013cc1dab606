"""Start processes quickly by forking a server that has already imported everything."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess


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
async def forked(target: Callable[[], None], preload: str) -> AsyncIterator[Fork]:
    """Run `target`, which is sent as a pickle, and kill it on exit if it is still running.

    `preload`: the module that imports everything `target` needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    process = context.Process(target=target)
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
