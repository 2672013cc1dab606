"""This file opens a database, SQLite or PostgreSQL, runs transactions, translates its errors."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import CoreError, DataUnwritable, DiskFull, StoreBroken, StoreUnreachable

_FORGETS = "secure_delete = ON"
"""What is deleted is overwritten with zeros."""
_SETTLE_S = 1.0
_LOCK_WAIT_S = 30
"""Seconds to wait for another process's write, such as its migration; DBOS waits as long."""


class Database:
    """Transactions. What `read` sees is one moment; `write` waits for whoever writes before."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine  # borrowed: open_database closes it
        self._writer = engine.execution_options(write=True)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Raises StoreBroken."""
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """All of it or nothing, and on the disk when it returns.

        Raises StoreBroken, DiskFull, DataUnwritable."""
        async with self._turn:
            with translated():
                async with self._writer.begin() as connection:
                    yield connection


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Raises StoreUnreachable, DataUnwritable, DiskFull, StoreBroken."""
    with translated(StoreUnreachable):
        engine = _engine(make_url(url))
    before = set(threading.enumerate())
    try:
        with translated(StoreUnreachable):
            await _connect(engine)
        yield Database(engine)
    except BaseException:
        await engine.dispose()
        await _settle(before)
        raise
    await engine.dispose()


@contextmanager
def translated(otherwise: type[StoreBroken | StoreUnreachable] = StoreBroken) -> Iterator[None]:
    """Turns what the database throws into our errors, without a path, a name or a value in them."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise _known(cause) or otherwise(_case(cause)) from error
    except (SQLAlchemyError, ImportError, ValueError, KeyError) as error:
        # ImportError: no driver for this address. The last two: a row that is not what we wrote.
        raise otherwise(type(error).__name__) from error
    except OSError as error:
        raise DiskFull() if error.errno == errno.ENOSPC else DataUnwritable() from error


def _known(error: Any) -> CoreError | None:
    case = _case(error)
    # SHMSIZE: no room for the index of the write-ahead log, which every opening makes.
    if case in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "DiskFull"):
        return DiskFull()
    if case.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_BUSY")):
        return StoreBroken(case)
    if case.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return DataUnwritable()
    return None


def _case(error: Any) -> str:
    """SQLite's own name of the error, or psycopg's class, one for each of PostgreSQL's codes."""
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


def sqlite_file(url: str) -> Path | None:
    """Where a SQLite address leads; None for PostgreSQL. Raises StoreUnreachable."""
    with translated(StoreUnreachable):
        address = make_url(url)
    of_sqlite = address.get_backend_name() == "sqlite" and address.database
    return Path(address.database or "") if of_sqlite else None


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    Path(url.database or ".").parent.mkdir(parents=True, exist_ok=True)
    # Without it Python's driver begins transactions by itself, and later than _begin does.
    arguments: dict[str, Any] = {"isolation_level": None}
    if "timeout" not in url.query:
        arguments["timeout"] = _LOCK_WAIT_S
    engine = create_async_engine(url, connect_args=arguments)
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "invalidate", _end)
    return engine


def engine_for_jobs(url: str) -> Engine:
    """The same database for DBOS, which is not async; the caller disposes of it. It has what DBOS
    gives its own engines, and what it deletes is overwritten."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_for_jobs)
    return engine


def _set_up_for_jobs(connection: Any, _: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in (f"busy_timeout = {_LOCK_WAIT_S * 1000}", "foreign_keys = ON", _FORGETS):
        connection.execute(f"PRAGMA {pragma}")


async def _connect(engine: AsyncEngine) -> None:
    # While one process turns a new file to WAL, SQLite refuses the others without any waiting.
    for pause_s in (0.05, 0.2, 1.0):
        try:
            async with engine.connect():
                return
        except OperationalError as error:
            if _case(error.orig) != "SQLITE_BUSY":
                raise
        await asyncio.sleep(pause_s)
    async with engine.connect():
        pass


async def _settle(before: set[threading.Thread]) -> None:
    """A connection that failed, or was cancelled, is given up by aiosqlite without waiting for its
    thread, whose last word would find the loop closed."""
    for thread in set(threading.enumerate()) - before:
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, _SETTLE_S)


def _set_up(connection: Any, _: object) -> None:
    """Readers do not wait for the writer, and what is committed survives a power cut."""
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", _FORGETS):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can be refused in the middle; one that
    # takes the write lock at once can only wait.
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _end(connection: Any, _: object, __: object) -> None:
    # A cancelled task's connection is closed, but as long as a cursor of it is referenced SQLite
    # keeps the transaction, and with it the write lock.
    with suppress(asyncio.CancelledError):  # cancelled again: the thread will do it all the same
        connection.rollback()
