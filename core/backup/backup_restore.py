"""This file copies the whole store into a file and puts a file back, while others use it."""

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
    """Writes the store to `target`; the bytes written. Raises NotSqlite, CannotWrite, DiskFull,
    StoreBroken, and what open_store raises."""
    live = _file(config)
    with naming_the_newest(config.data_dir / FOLDER, live):
        async with open_store(database_url(config)):  # made, if there is none, and of today's shape
            await copy(live, target)
    return target.stat().st_size


async def restore(
    config: Core, source: Path | None = None, now: Clock = time.time
) -> tuple[str, str]:
    """The store holds what `source` holds, or what the newest good copy of ours holds.

    Processes that have it open see it at once; what they write in that very second is lost.
    The names of the file put back and of the one that keeps what was there before, "" if nothing
    was. Raises NotSqlite, NotABackup, BackupTooNew, NoBackup, StoreInUse, DiskFull."""
    live = _file(config)
    moment = f"{datetime.fromtimestamp(now(), UTC):%Y-%m-%d-%H%M%S}"
    kept = live.with_name(f"{live.stem}-before-{moment}{live.suffix}")
    folder = config.data_dir / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnwritable() from error
    source = source or await _newest_good(folder)
    staged = folder / f"restore-{moment}.part"
    try:
        await _stage(source, staged)
        _need_room(live, staged)
        await asyncio.to_thread(put_back, staged, live, kept)
    finally:
        for side in ("", "-wal", "-shm"):
            Path(f"{staged}{side}").unlink(missing_ok=True)
    return source.name, kept.name if kept.exists() else ""


async def _newest_good(folder: Path) -> Path:
    for found in copies(folder):
        try:
            await check(found)
        except StoreBroken:
            continue
        return found
    raise NoBackup()


async def _stage(source: Path, staged: Path) -> None:
    """A copy of the copy, brought to today's tables: the given file stays as it is."""
    try:
        await check(source)
        await copy(source, staged)
    except (StoreBroken, DataUnwritable) as error:
        raise NotABackup(source.name) from error
    try:
        async with open_store(sqlite_url(staged)):
            pass
    except StoreUnreachable as error:
        raise BackupTooNew(source.name) from error


def _need_room(live: Path, staged: Path) -> None:
    """For what is kept, and for the new pages, which stand in the write-ahead log at first."""
    sizes = [path.stat().st_size for path in (live, staged, staged) if path.exists()]
    if shutil.disk_usage(live.parent).free < sum(sizes):
        raise DiskFull()


def _file(config: Core) -> Path:
    found = sqlite_file(database_url(config))
    if found is None:
        raise NotSqlite()
    return found
