"""The contract of `Checkpoints`, in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from core.model import Video

BEES = Video("dQw4w9WgXcQ", "Bees")
HOUR = timedelta(hours=1)


@pytest.fixture
def pieces(store):
    return store.checkpoints


async def test_pieces_of_a_video_nobody_has_stored_come_back_in_order(pieces):
    for number in (10, 0, 2):
        await pieces.save(BEES.id, "whisper", number, f"꿀벌 {number} \\u0000 '%s'")
    loaded = await pieces.load(BEES.id, "whisper")
    assert list(loaded.items()) == [(n, f"꿀벌 {n} \\u0000 '%s'") for n in (0, 2, 10)]


async def test_a_piece_saved_again_is_replaced(pieces):
    for piece in ("old", "new"):
        await pieces.save(BEES.id, "whisper", 0, piece)
    assert await pieces.load(BEES.id, "whisper") == {0: "new"}


async def test_pieces_saved_at_once_are_all_there(pieces):
    await asyncio.gather(*(pieces.save(BEES.id, "whisper", n, str(n)) for n in range(8)))
    assert await pieces.load(BEES.id, "whisper") == {n: str(n) for n in range(8)}


async def test_other_videos_and_other_settings_have_nothing_in_common(pieces):
    names = [("a", "one"), ("a", "two"), ("b", "one")]
    for name in names:
        await pieces.save(*name, 0, "".join(name))
    for name in names:
        assert await pieces.load(*name) == {0: "".join(name)}
    assert await pieces.load("b", "two") == {}


@pytest.mark.parametrize(
    ("cleared", "left"),
    [
        (("a", "one"), {("a", "two"), ("b", "one")}),
        (("a", "t"), {("a", "one"), ("b", "one")}),
        (("a", "_"), {("a", "one"), ("a", "two"), ("b", "one")}),
        (("a",), {("b", "one")}),
        (("c",), {("a", "one"), ("a", "two"), ("b", "one")}),
    ],
)
async def test_one_settings_pieces_are_cleared_or_all_of_the_video(pieces, cleared, left):
    names = [("a", "one"), ("a", "two"), ("b", "one")]
    for name in names:
        for number in range(2):
            await pieces.save(*name, number, "piece")
    await pieces.clear(*cleared)
    assert {name for name in names if await pieces.load(*name)} == left


async def test_what_was_saved_before_is_purged_and_a_piece_saved_again_counts_as_new(pieces):
    for number in range(2):
        await pieces.save(BEES.id, "whisper", number, "piece")
    await pieces.purge(datetime.now(UTC) - HOUR)
    assert len(await pieces.load(BEES.id, "whisper")) == 2
    between = datetime.now(UTC)
    await pieces.save(BEES.id, "whisper", 1, "again")
    await pieces.purge(between)
    assert await pieces.load(BEES.id, "whisper") == {1: "again"}
    await pieces.purge(datetime.now(UTC) + HOUR)
    assert await pieces.load(BEES.id, "whisper") == {}


async def test_the_last_channel_that_forgets_a_video_takes_its_pieces_with_it(store):
    await store.videos.save(BEES)
    for channel in ("hive", "other"):
        await store.library.add(channel, BEES.id)
    for video_id in (BEES.id, "another"):
        await store.checkpoints.save(video_id, "whisper", 0, "piece")
    await store.library.forget("hive", BEES.id)
    assert await store.checkpoints.load(BEES.id, "whisper")
    await store.library.forget("other")
    assert await store.checkpoints.load(BEES.id, "whisper") == {}
    assert await store.checkpoints.load("another", "whisper")
