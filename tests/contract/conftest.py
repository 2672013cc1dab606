"""This file lends the contract suites a PostgreSQL server, where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.fakes.postgres import NoServer, fresh_database, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """One server for the whole session. None: skipped, but on CI a failure."""
    try:
        with server() as url:
            yield url
    except NoServer:
        if os.environ.get("CI") == "true":
            pytest.fail("no PostgreSQL on this machine: apt-get install postgresql")
        pytest.skip("no PostgreSQL")


@pytest.fixture
def postgres_url(postgres: URL) -> Iterator[str]:
    """An empty database."""
    with fresh_database(postgres) as url:
        yield url
