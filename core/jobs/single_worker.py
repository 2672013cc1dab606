"""Work on jobs in exactly one process of a data folder; another one takes over when it ends."""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.ports import WorkerState

log = logging.getLogger(__name__)

_RETRY_S = 1.0
_DAY_S = 24 * 3600.0

Run = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(slots=True)
class Worker:
    """Who works, as this process knows it."""

    state: WorkerState = "off"


@asynccontextmanager
async def working(
    run: Run, lock: Path, purge: Callable[[], Awaitable[None]]
) -> AsyncIterator[Worker]:
    """Work by `run` in this process while it holds `lock`, and `purge` daily.

    Yields once some process works. Raises what `run` failed with at the first start."""
    started, known = asyncio.Event(), Worker()
    worker = asyncio.create_task(_work(run, lock, purge, started, known))
    waiting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait({worker, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            await worker
        yield known
    finally:
        waiting.cancel()
        worker.cancel()
        await asyncio.gather(worker, waiting, return_exceptions=True)


async def _work(
    run: Run,
    lock: Path,
    purge: Callable[[], Awaitable[None]],
    started: asyncio.Event,
    known: Worker,
) -> None:
    """Set `started` once some process works; from then on retry until cancelled."""
    with lock.open("ab") as file:
        while not _lock(file):
            known.state = "elsewhere"
            started.set()
            await asyncio.sleep(_RETRY_S)
        while True:
            try:
                async with run():
                    known.state = "here"
                    started.set()
                    await _purge_daily(purge)
            except Exception:  # DBOS raises whatever its driver does, as on a full disk
                if not started.is_set():
                    raise
                known.state = "failing"
                log.error("the job worker failed and is restarted", exc_info=True)
            await asyncio.sleep(_RETRY_S)


async def _purge_daily(purge: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await purge()
        except Exception:  # DBOS raises whatever its driver does; the worker goes on
            log.warning("could not purge expired jobs", exc_info=True)
        await asyncio.sleep(_DAY_S)


def _lock(file: IO[bytes]) -> bool:
    """Whether this process holds the lock now. The system frees it however the process ends."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
