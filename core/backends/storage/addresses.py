"""The addresses of the store's database, from the settings."""

from __future__ import annotations

from core.backends.storage.store import sqlite_url
from core.config import Core


def database_url(config: Core) -> str:
    """Return `database_url` of the settings, or else a SQLite file in the data folder."""
    return config.database_url.get_secret_value() or sqlite_url(config.data_dir / "tubethread.db")


def jobs_url(config: Core) -> str:
    """Return the address of the same database for a driver that is not async, as DBOS needs."""
    return database_url(config).replace("sqlite+aiosqlite:", "sqlite:", 1)
