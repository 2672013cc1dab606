"""This file keeps copies of the store: one a day, the newest few, in a folder of their own.

A program that runs for long looks after them by `keep_copies`. How a store is copied and how a
copy is checked is given: core/backends/storage/sqlite_copy.py.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from core.errors import CoreError, StoreBroken
from core.ports import Clock, Sleep

log = logging.getLogger(__name__)

FOLDER = "backups"
"""In the data folder."""
KEPT = 3
SPARE_BYTES = 1_000_000_000
"""What a copy leaves free on the disk: hearing needs it more."""
_PREFIX, _END = "tubethread-", ".db"
_FIRST_S, _PAUSE_S = 60.0, 3600.0

Copy = Callable[[Path], Awaitable[None]]
"""Makes a whole, checked copy of the store under the path, or none. Raises any CoreError."""


async def keep_copies(
    folder: Path, store: Path, copy: Copy, now: Clock = time.time, sleep: Sleep = asyncio.sleep
) -> None:
    """Makes a copy of `store` in `folder` once a day, until it is cancelled.

    Looks once an hour rather than sleeping for a day: clocks jump, and laptops sleep."""
    await sleep(_FIRST_S)  # a start has other things to do
    while True:
        try:
            await keep_copy(folder, store, copy, now())
        except CoreError:  # tomorrow's may succeed; what is damaged is told at the next start
            log.warning("no copy of the store today", exc_info=True)
        await sleep(_PAUSE_S)


@asynccontextmanager
async def keeping_copies(folder: Path, store: Path, copy: Copy) -> AsyncIterator[None]:
    """`keep_copies` goes on inside."""
    keeping = asyncio.create_task(keep_copies(folder, store, copy))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def keep_copy(folder: Path, store: Path, copy: Copy, now: float) -> None:
    """Today's copy is there, if the disk has room for it. Older ones go only after it succeeded."""
    today = folder / f"{_PREFIX}{datetime.fromtimestamp(now, UTC):%Y-%m-%d}{_END}"
    if today.exists() or not _has_room(store):
        return
    folder.mkdir(exist_ok=True)
    await copy(today)
    for old in copies(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    for part in folder.glob("*.part"):  # a kill left it
        part.unlink(missing_ok=True)


def copies(folder: Path) -> list[Path]:
    """Those that were kept, newest first."""
    return sorted(folder.glob(f"{_PREFIX}*{_END}"), reverse=True)


def day_of(copy: Path) -> str:
    """
    >>> day_of(Path("backups/tubethread-2026-11-25.db"))
    '2026-11-25'
    """
    return copy.name.removeprefix(_PREFIX).removesuffix(_END)


@contextmanager
def naming_the_newest(folder: Path, store: Path | None) -> Iterator[None]:
    """StoreBroken inside tells from which day the newest copy is.

    A `store` that is empty although it was copied is broken too: SQLite would begin it anew."""
    try:
        if store and store.exists() and not store.stat().st_size and copies(folder):
            raise StoreBroken("empty")
        yield
    except StoreBroken as error:
        newest = next(iter(copies(folder)), None)
        if newest is None or error.detail.startswith("SQLITE_BUSY"):
            raise
        raise StoreBroken(error.detail, day_of(newest)) from error


def _has_room(store: Path) -> bool:
    size = store.stat().st_size if store.exists() else 0
    return shutil.disk_usage(store.parent).free > size + SPARE_BYTES
