"""Open SQLite or PostgreSQL, run transactions, translate database errors into ours."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import CoreError, DataUnwritable, DiskFull, StoreBroken, StoreUnreachable

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_FETCHERS = 4
"""Threads that fetch, each with a connection of its own."""
_SECURE_DELETE = "secure_delete = ON"
"""SQLite overwrites deleted content with zeros."""
_CACHE = "cache_size = -512"
"""KiB of pages that a connection keeps, a quarter of SQLite's own choice: a bot at work has about
35 connections, and the operating system keeps the file's pages for all of them."""
_LOG_TRIES, _LOG_PAUSE_S, _LOG_WAIT_MS = 10, 0.1, 200
"""A try holds up writers while it waits for readers."""
_JOIN_S = 1.0
_LOCK_WAIT_S = 30
"""Seconds to wait for another process's write, such as its migration; DBOS waits as long."""


class Database:
    """Transactions over one database. SQLite has one writer at a time; others wait."""

    def __init__(self, engine: AsyncEngine, fetcher: Engine, threads: ThreadPoolExecutor) -> None:
        self._engine = engine  # borrowed, like the next two: open_database closes them
        self._fetcher = fetcher
        self._threads = threads
        self._writer = engine.execution_options(write=True)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for reading: all its queries see the same moment on SQLite.

        Raises StoreBroken."""
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    async def fetch(self, work: Callable[[Connection], _T]) -> _T:
        """Return what `work` reads in one transaction, like `read` but in a tenth of the time: it
        changes threads once, where an asynchronous connection does for every step of a query.

        Raises StoreBroken."""
        with translated():
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._fetch, work
            )

    def _fetch(self, work: Callable[[Connection], _T]) -> _T:
        with self._fetcher.begin() as connection:
            return work(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for writing: committed as a whole, and on disk, when it ends.

        Raises StoreBroken, DiskFull, DataUnwritable."""
        async with self._turn:
            with translated():
                async with self._writer.begin() as connection:
                    yield connection

    async def empty_log(self) -> None:
        """Truncate SQLite's write-ahead log, in which deleted rows can still be read.

        Waits for readers, but never longer than the log's next writer can bear; if they stay, the
        log is emptied by the next call, or when the last process closes the store."""
        with suppress(CoreError), translated():
            for _ in range(_LOG_TRIES):
                if await self._truncate_log():
                    return
                await asyncio.sleep(_LOG_PAUSE_S)
        log.warning("the write-ahead log could not be emptied yet")

    async def _truncate_log(self) -> bool:
        async with self._turn, self._engine.connect() as connection:
            if connection.dialect.name != "sqlite":
                return True
            # Through the driver: a transaction, which SQLAlchemy begins, cannot empty the log.
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            [[busy_ms]] = await driver.execute_fetchall("PRAGMA busy_timeout")
            try:
                await driver.execute(f"PRAGMA busy_timeout = {_LOG_WAIT_MS}")
                [[is_busy, *_]] = await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
                return not is_busy
            finally:
                await driver.execute(f"PRAGMA busy_timeout = {busy_ms}")


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open the database at `url` and close it at the end.

    Raises StoreUnreachable, DataUnwritable, DiskFull, StoreBroken."""
    with translated(StoreUnreachable):
        engine, fetcher = _engine(make_url(url)), _fetcher(make_url(url))
    before = set(threading.enumerate())
    threads = ThreadPoolExecutor(_FETCHERS, "fetch")
    try:
        with translated(StoreUnreachable):
            await _connect(engine)
        yield Database(engine, fetcher, threads)
    except BaseException:
        await _close(engine, fetcher, threads)
        await _join_connection_threads(before)
        raise
    await _close(engine, fetcher, threads)


async def _close(engine: AsyncEngine, fetcher: Engine, threads: ThreadPoolExecutor) -> None:
    await asyncio.to_thread(threads.shutdown, cancel_futures=True)  # reads last milliseconds
    fetcher.dispose()
    await engine.dispose()


@contextmanager
def translated(otherwise: type[StoreBroken | StoreUnreachable] = StoreBroken) -> Iterator[None]:
    """Translate database errors into ours, without any path, name or value in them.

    `otherwise`: the error for all that has no class of its own."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise _specific_error(cause) or otherwise(_error_name(cause)) from error
    except (SQLAlchemyError, ImportError, ValueError, KeyError) as error:
        # ImportError: no driver for this URL. ValueError, KeyError: a row that we did not write.
        raise otherwise(type(error).__name__) from error
    except OSError as error:
        raise DiskFull() if error.errno == errno.ENOSPC else DataUnwritable() from error


def _specific_error(error: Any) -> CoreError | None:
    name = _error_name(error)
    # SHMSIZE: no space for the index of the write-ahead log, which opening creates.
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "DiskFull"):
        return DiskFull()
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_BUSY")):
        return StoreBroken(name)
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return DataUnwritable()
    return None


def _error_name(error: Any) -> str:
    """Name the error: SQLite's error name, or psycopg's class (one per PostgreSQL code)."""
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite URL; None for PostgreSQL. Raises StoreUnreachable."""
    with translated(StoreUnreachable):
        address = make_url(url)
    of_sqlite = address.get_backend_name() == "sqlite" and address.database
    return Path(address.database or "") if of_sqlite else None


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    Path(url.database or ".").parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, connect_args=_arguments(url))
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "invalidate", _roll_back)
    return engine


def _fetcher(url: URL) -> Engine:
    """Return a synchronous engine over the same database."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url.set(drivername="sqlite"), connect_args=_arguments(url))
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _arguments(url: URL) -> dict[str, Any]:
    # Without it Python's driver begins transactions by itself, and later than _begin does.
    arguments: dict[str, Any] = {"isolation_level": None}
    if "timeout" not in url.query:
        arguments["timeout"] = _LOCK_WAIT_S
    return arguments


def engine_for_jobs(url: str) -> Engine:
    """Return a synchronous engine for DBOS; the caller disposes of it. It is set up as DBOS sets
    up its own engines, and overwrites deleted content."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_for_jobs)
    return engine


def _set_up_for_jobs(connection: Any, _: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    wait = f"busy_timeout = {_LOCK_WAIT_S * 1000}"
    for pragma in (wait, "foreign_keys = ON", _SECURE_DELETE, _CACHE):
        connection.execute(f"PRAGMA {pragma}")


async def _connect(engine: AsyncEngine) -> None:
    # While one process switches a new file to WAL, SQLite refuses others without waiting.
    for pause_s in (0.05, 0.2, 1.0):
        try:
            async with engine.connect():
                return
        except OperationalError as error:
            if _error_name(error.orig) != "SQLITE_BUSY":
                raise
        await asyncio.sleep(pause_s)
    async with engine.connect():
        pass


async def _join_connection_threads(before: set[threading.Thread]) -> None:
    """Wait for the threads of failed connections: aiosqlite abandons them, and a thread that
    reports after the loop has closed raises."""
    for thread in set(threading.enumerate()) - before:
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, _JOIN_S)


def _set_up(connection: Any, _: object) -> None:
    """Let readers not wait for the writer, and commits survive a power cut."""
    cursor = connection.cursor()
    durable = ("journal_mode = WAL", "synchronous = FULL")
    for pragma in (*durable, "foreign_keys = ON", _SECURE_DELETE, _CACHE):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # SQLite may refuse a transaction that reads first and writes later; one that takes the write
    # lock at once only waits.
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _roll_back(connection: Any, _: object, __: object) -> None:
    # A cancelled task's connection is closed, but while one of its cursors is referenced SQLite
    # keeps the transaction, and with it the write lock.
    with suppress(asyncio.CancelledError):  # the thread rolls back even if we are cancelled again
        connection.rollback()
