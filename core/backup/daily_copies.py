"""Keep daily copies of the store, the newest few, in a folder of their own.

A long-running program calls `keep_copies`. core/backends/storage/sqlite_copy.py copies and checks.
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
"""The folder's name in the data folder."""
KEPT = 3
SPARE_BYTES = 1_000_000_000
"""Disk space that a copy must leave free for transcription."""
_PREFIX, _END = "tubethread-", ".db"
_PAUSE_S = 60.0
_AFTER_REPLACING_S = 600.0
"""A store may take gigabytes, and people delete one video after another."""
_AFTER_FAILURE_S = 3600.0

Copy = Callable[[Path], Awaitable[None]]
"""Write a complete, checked copy of the store to the path, or nothing. Raises any CoreError."""
Replace = Callable[[], Awaitable[bool]]
"""Replace the copies that hold what was forgotten; return whether there were any."""


async def _nothing() -> bool:
    return False


async def keep_copies(
    folder: Path,
    store: Path,
    copy: Copy,
    replace_outdated: Replace = _nothing,
    now: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Copy `store` to `folder` once a day, and replace the copies within an hour after something
    was forgotten, also by another process; until cancelled.

    Checks every minute instead of sleeping for a day: clocks jump, and laptops sleep."""
    await sleep(_PAUSE_S)  # let the start-up finish first
    while True:
        pause_s = _PAUSE_S
        try:
            if await replace_outdated():
                pause_s = _AFTER_REPLACING_S
            await keep_copy(folder, store, copy, now())
        except (CoreError, OSError):  # retried later; damage is reported at the next start
            log.warning("copying the store failed", exc_info=True)
            pause_s = _AFTER_FAILURE_S
        await sleep(pause_s)


@asynccontextmanager
async def keeping_copies(
    folder: Path, store: Path, copy: Copy, replace_outdated: Replace
) -> AsyncIterator[None]:
    """Run `keep_copies` in the background."""
    keeping = asyncio.create_task(keep_copies(folder, store, copy, replace_outdated))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def keep_copy(folder: Path, store: Path, copy: Copy, now: float) -> None:
    """Make today's copy if there is space. Then delete all but the newest copies."""
    today = todays_copy(folder, now)
    if today.exists() or not has_room(store):
        return
    folder.mkdir(exist_ok=True)
    await copy(today)
    for old in copies(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    for part in folder.glob("*.part"):  # left by a kill
        part.unlink(missing_ok=True)


def todays_copy(folder: Path, now: float) -> Path:
    return folder / f"{_PREFIX}{datetime.fromtimestamp(now, UTC):%Y-%m-%d}{_END}"


def copies(folder: Path) -> list[Path]:
    """The daily copies, newest first."""
    return sorted(folder.glob(f"{_PREFIX}*{_END}"), reverse=True)


def day_of(copy: Path) -> str:
    """
    >>> day_of(Path("backups/tubethread-2026-11-25.db"))
    '2026-11-25'
    """
    return copy.name.removeprefix(_PREFIX).removesuffix(_END)


@contextmanager
def naming_the_newest(folder: Path, store: Path | None) -> Iterator[None]:
    """Add the day of the newest copy to StoreBroken.

    An empty `store` that has copies counts as broken: SQLite would create a new one silently."""
    try:
        if store and store.exists() and not store.stat().st_size and copies(folder):
            raise StoreBroken("empty")
        yield
    except StoreBroken as error:
        newest = next(iter(copies(folder)), None)
        if newest is None or error.detail.startswith("SQLITE_BUSY"):
            raise
        raise StoreBroken(error.detail, day_of(newest)) from error


def has_room(store: Path) -> bool:
    """Whether a copy leaves SPARE_BYTES free."""
    size = store.stat().st_size if store.exists() else 0
    return shutil.disk_usage(store.parent).free > size + SPARE_BYTES
