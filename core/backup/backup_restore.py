"""Back up the store to a file and restore it, even while other processes use it."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from core.backends.storage.addresses import database_url
from core.backends.storage.database import sqlite_file
from core.backends.storage.sqlite_copy import check, copy, put_back
from core.backends.storage.store import open_store, sqlite_url
from core.backup.daily_copies import FOLDER, copies, naming_the_newest
from core.config import Core
from core.errors import (
    BackupTooNew,
    DataUnwritable,
    DiskFull,
    NoBackup,
    NotABackup,
    NotSqlite,
    StoreBroken,
    StoreUnreachable,
)
from core.ports import Clock


async def back_up(config: Core, target: Path) -> int:
    """Copy the store to `target`. Return the size in bytes.

    Raises NotSqlite, CannotWrite, DiskFull, StoreBroken, and what open_store raises."""
    live = _file(config)
    with naming_the_newest(config.data_dir / FOLDER, live):
        async with open_store(database_url(config)):  # creates or migrates it
            await copy(live, target)
    return target.stat().st_size


async def restore(
    config: Core, source: Path | None = None, now: Clock = time.time
) -> tuple[str, str]:
    """Replace the store by `source`, or by the newest intact daily copy.

    Processes that have the store open see the change at once; what they write in that second is
    lost. Return the names of the restored file and of the file that keeps the previous store, ""
    if there was none. Raises NotSqlite, NotABackup, BackupTooNew, NoBackup, StoreInUse,
    DiskFull."""
    live = _file(config)
    moment = f"{datetime.fromtimestamp(now(), UTC):%Y-%m-%d-%H%M%S}"
    kept = live.with_name(f"{live.stem}-before-{moment}{live.suffix}")
    folder = config.data_dir / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnwritable() from error
    source = source or await _newest_intact(folder)
    staged = folder / f"restore-{moment}.part"
    try:
        await _stage(source, staged)
        _check_space(live, staged)
        await asyncio.to_thread(put_back, staged, live, kept)
    finally:
        for side in ("", "-wal", "-shm"):
            Path(f"{staged}{side}").unlink(missing_ok=True)
    return source.name, kept.name if kept.exists() else ""


async def _newest_intact(folder: Path) -> Path:
    for found in copies(folder):
        try:
            await check(found)
        except StoreBroken:
            continue
        return found
    raise NoBackup()


async def _stage(source: Path, staged: Path) -> None:
    """Copy `source` to `staged` and migrate the copy; `source` stays unchanged."""
    try:
        await check(source)
        await copy(source, staged)
    except (StoreBroken, DataUnwritable) as error:
        raise NotABackup(source.name) from error
    try:
        async with open_store(sqlite_url(staged)) as store:
            # The previous store, which is kept, is no copy that something was deleted after.
            await store.outdated_copies.settle(await store.outdated_copies.deletion())
    except StoreUnreachable as error:
        raise BackupTooNew(source.name) from error


def _check_space(live: Path, staged: Path) -> None:
    """Raise DiskFull without space for the previous store and the new pages, which go through the
    write-ahead log first."""
    sizes = [path.stat().st_size for path in (live, staged, staged) if path.exists()]
    if shutil.disk_usage(live.parent).free < sum(sizes):
        raise DiskFull()


def _file(config: Core) -> Path:
    found = sqlite_file(database_url(config))
    if found is None:
        raise NotSqlite()
    return found
