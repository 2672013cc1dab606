"""The contract of opening the store's database, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.backends.storage.database import open_database
from core.backends.storage.migrations import HEAD
from core.backends.storage.store import open_store
from core.backends.storage.tables import metadata
from core.errors import DiskFull, StoreUnreachable
from core.model import Segment, Transcript, Video


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new/store.db?timeout=0.5"
    return request.getfixturevalue("postgres_url")


async def execute(url: str, statement: str) -> None:
    async with open_database(url) as database, database.write() as connection:
        await connection.execute(text(statement))


def test_the_newest_version_is_the_one_alembic_finds():
    config = Config()
    config.set_main_option("script_location", "core.backends.storage:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_the_migrations_lead_to_the_tables(url):
    def differences(connection: Connection) -> list[object]:
        options = {"compare_server_default": False}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    async with open_store(url):
        pass
    async with open_database(url) as database, database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_opened_again_it_holds_what_it_held(url):
    async with open_store(url) as store:
        await store.videos.save(Video("a", "A"))
    async with open_store(url) as store:
        assert await store.videos.get("a") == Video("a", "A")


async def test_opened_many_times_at_once_it_is_made_once(url):
    url = url.removesuffix("?timeout=0.5")  # on a busy machine the first opening takes longer

    async def save(name: str) -> None:
        async with open_store(url) as store:
            await store.videos.save(Video(name, name))

    await asyncio.gather(*(save(name) for name in "abcdef"))
    async with open_store(url) as store:
        assert [await store.videos.get(name) for name in "abcdef"] == [
            Video(name, name) for name in "abcdef"
        ]


async def test_the_database_of_a_newer_release_is_refused_and_left_alone(url):
    async with open_store(url) as store:
        await store.videos.save(Video("a", "A"))
    await execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnreachable, match="9999"):
        async with open_store(url):
            pass
    await execute(url, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    async with open_store(url) as store:
        assert await store.videos.get("a") == Video("a", "A")


async def test_forgetting_and_adding_at_once_end_in_one_of_the_two_orders(url):
    url = url.removesuffix("?timeout=0.5")  # a busy machine may take longer for one of the two
    async with open_store(url) as store, open_store(url) as other:
        for _ in range(20):
            await store.videos.save(Video("a", "A"))
            await store.videos.save_transcript(Transcript("a", "en", "whisper", ()))
            await store.library.add("one", "a")
            forgotten, added = await asyncio.gather(
                store.library.forget("one", "a"),
                other.library.add("two", "a"),
                return_exceptions=True,
            )
            assert forgotten == ["a"]
            kept = added is None
            assert (await store.videos.transcript("a") is not None) == kept
            assert [v.id for v in await store.library.videos("two")] == ["a"] * kept
            await store.library.forget("two")


async def test_a_task_that_is_cancelled_leaves_the_store_usable(url):
    long = Transcript("a", "en", "whisper", (Segment(0, 1, "Said."),) * 3000)
    async with open_store(url) as store:
        await store.videos.save(Video("a", "A"))
        for milliseconds in range(0, 30, 2):
            task = asyncio.create_task(store.videos.save_transcript(long))
            await asyncio.sleep(milliseconds / 1000)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await store.videos.save(Video("b", "B"))
            assert await store.videos.transcript("a") in (None, long)
        await store.check()


@pytest.mark.postgres
async def test_a_full_disk_of_postgresql_is_told(postgres_url):
    full = "DO $$ BEGIN RAISE 'no space left' USING ERRCODE = '53100'; END $$"
    with pytest.raises(DiskFull):
        await execute(postgres_url, full)


@pytest.mark.postgres
async def test_a_connection_that_postgresql_ended_is_made_again(postgres_url):
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with open_store(postgres_url) as store:
        await store.videos.save(Video("a", "A"))
        await execute(postgres_url, end)
        assert await store.videos.get("a") == Video("a", "A")
