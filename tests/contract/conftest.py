"""Every kind of store for the contract suites, and a PostgreSQL server if there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from core.backends.storage.store import Store, open_store, sqlite_url
from tests.fakes.store import MemoryStore
from tests.harness.postgres import NoServer, delete_all_rows, fresh_database, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """Start one server for the whole session. Without PostgreSQL, skip; on CI, fail."""
    try:
        with server() as url:
            yield url
    except NoServer:
        if os.environ.get("CI") == "true":
            pytest.fail("no PostgreSQL on this machine: apt-get install postgresql")
        pytest.skip("no PostgreSQL")


@pytest.fixture
def postgres_url(postgres: URL) -> Iterator[str]:
    """Create an empty database."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres: URL) -> Iterator[str]:
    """Create one database with today's tables, for tests that only need it without rows: creating
    and migrating one takes half a second of CPU."""
    with fresh_database(postgres) as url:
        asyncio.run(_migrate(url))
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a file with today's tables, for copying: migrating takes 0.1 s."""
    path = tmp_path_factory.mktemp("migrated") / "db"
    asyncio.run(_migrate(sqlite_url(path)))
    assert [file.name for file in path.parent.iterdir()] == ["db"], "not all is in the file"
    return path


async def _migrate(url: str) -> None:
    async with open_store(url):
        pass


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Return where an empty store is kept; None keeps it in memory."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("migrated_postgres")
        delete_all_rows(url)
        return url
    if request.param == "sqlite":
        return sqlite_url(shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "db"))
    return None


@pytest.fixture
async def store(store_url: str | None) -> AsyncIterator[Store | MemoryStore]:
    """Open an empty store of each kind."""
    if store_url is None:
        yield MemoryStore()
        return
    async with open_store(store_url) as opened:
        yield opened
