"""Copy the SQLite store while it is in use, and restore a copy."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from core.backends.storage.database import translated
from core.errors import CannotWrite, DiskFull, StoreBroken, StoreInUse

WAIT_S = 15.0
"""How long a restore waits for a writer."""
_OURS = {"alembic_version", "videos", "library"}
_SIDES = ("-wal", "-shm")


async def copy(source: Path, target: Path) -> None:
    """Write a consistent copy of the store to `target`: complete, checked and on disk, or not
    there at all.

    It holds no deleted content, as VACUUM does not copy free pages. Stops at once if cancelled.
    Raises StoreBroken, DiskFull, CannotWrite."""
    if target.exists() and source.exists() and target.samefile(source):
        raise CannotWrite(target.name)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with _refusals(target.name):
            part.touch()
        await _run(source, lambda db: db.execute("VACUUM INTO ?", (str(part),)))
        await check(part)
        with _refusals(target.name):
            _sync(part)
            part.replace(target)
            _sync(target.parent)
    finally:
        part.unlink(missing_ok=True)


async def check(path: Path) -> None:
    """Check that the file is an undamaged store of any release. Raises StoreBroken."""
    await _run(path, _check)


def put_back(staged: Path, live: Path, kept: Path) -> None:
    """Replace the content of `live` by that of `staged`, for every process that has it open, and
    keep the old content in `kept`. A kill leaves the old or the new store.

    A damaged store is kept as it is. One that SQLite cannot open is moved away; no process may
    have it open then. Raises StoreInUse, StoreBroken, DiskFull, DataUnwritable."""
    with translated():
        try:
            if live.exists():
                _copy_pages(live, kept)
            _copy_pages(staged, live)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNREADABLE:
                raise
            _set_aside(live, kept)
            _copy_pages(staged, live)


_UNREADABLE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def _check(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreBroken(str(found))
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not tables >= _OURS:
        raise StoreBroken("not a store of ours")


async def _run(path: Path, work: Callable[[sqlite3.Connection], object]) -> None:
    """Run the work in a thread, on its own connection, which is interrupted on cancellation."""
    with translated():
        connection = _connect(path)
        with closing(connection):
            working = asyncio.ensure_future(asyncio.to_thread(work, connection))
            try:
                await asyncio.shield(working)
            except asyncio.CancelledError:
                connection.interrupt()
                with suppress(sqlite3.Error, StoreBroken):
                    await working
                raise


def _connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    address = f"file:{quote(os.fsencode(path))}?mode={mode}"
    return sqlite3.connect(
        address, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False
    )


def _copy_pages(source: Path, target: Path) -> None:
    """Copy by SQLite's backup API: readers of the target see all of it or nothing."""
    deadline = time.monotonic() + WAIT_S

    def impatient(status: int, remaining: int, total: int) -> None:
        if status == sqlite3.SQLITE_BUSY and time.monotonic() > deadline:
            raise StoreBroken("SQLITE_BUSY")

    with closing(_connect(source)) as old, closing(_connect(target, "rwc")) as new:
        new.execute("PRAGMA journal_mode = WAL")
        new.execute("PRAGMA synchronous = FULL")
        old.backup(new, progress=impatient)
        new.execute("PRAGMA busy_timeout = 0")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # only to tidy up: do not wait for readers


def _set_aside(live: Path, kept: Path) -> None:
    if _is_open_elsewhere(live):
        raise StoreInUse()
    for side in _SIDES:
        Path(f"{kept}{side}").unlink(missing_ok=True)
    live.replace(kept)
    for side in _SIDES:
        with suppress(FileNotFoundError):
            Path(f"{live}{side}").replace(f"{kept}{side}")


def _is_open_elsewhere(live: Path) -> bool:
    """Every process that has a WAL database open holds a shared lock on this byte of its -shm file:
    SQLite's dead man's switch (os_unix.c, UNIX_SHM_DMS)."""
    try:
        with open(f"{live}-shm", "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskFull() if error.errno == errno.ENOSPC else CannotWrite(name) from error
