"""This file opens a database, SQLite or PostgreSQL, runs transactions, translates its errors."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import CoreError, DataUnwritable, DiskFull, StoreBroken, StoreUnreachable

BUSY_S = 15
"""How long one process waits for another's write."""


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
    try:
        with translated(StoreUnreachable):
            async with engine.connect():
                pass
        yield Database(engine)
    finally:
        await engine.dispose()


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


@contextmanager
def translated(otherwise: type[StoreBroken | StoreUnreachable] = StoreBroken) -> Iterator[None]:
    """Turns what the database throws into our errors, without a path, a name or a value in them."""
    try:
        yield
    except DBAPIError as error:
        raise _known(error.orig) or otherwise(_case(error.orig)) from error
    except (SQLAlchemyError, ImportError, ValueError) as error:
        # ImportError: no driver for this address. ValueError: a row that is not what we wrote.
        raise otherwise(type(error).__name__) from error
    except OSError as error:
        raise DiskFull() if error.errno == errno.ENOSPC else DataUnwritable() from error


def _known(error: Any) -> CoreError | None:
    case = _case(error)
    if case in ("SQLITE_FULL", "DiskFull"):
        return DiskFull()
    if case.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_BUSY")):
        return StoreBroken(case)
    if case.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return DataUnwritable()
    return None


def _case(error: Any) -> str:
    """SQLite's own name of the error, or psycopg's class, one for each of PostgreSQL's codes."""
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    Path(url.database or ".").parent.mkdir(parents=True, exist_ok=True)
    # No isolation level: Python's driver opens no transaction by itself, so _begin does it.
    arguments = {"timeout": BUSY_S, "isolation_level": None}
    engine = create_async_engine(url, connect_args=arguments)
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: object) -> None:
    """Readers do not wait for the writer, and what is committed survives a power cut."""
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can be refused in the middle; one that
    # takes the write lock at once can only wait.
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
