"""Videos that a channel has had for long are forgotten, unless it has pinned them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from core.errors import DiskFull, UnknownVideo
from core.pipeline.retention import Retention
from core.sources import Link
from tests.harness.fake_core import VIDEOS, FakeCore, finish


async def test_old_videos_are_forgotten_with_all_that_belongs_to_them(tmp_path):
    world = FakeCore(tmp_path)
    core = world.pipeline()
    for channel in ("hive", "sea"):
        for video in VIDEOS:
            await finish(core.ingest(Link(video.id), channel))
    pinned, *others = (video.id for video in VIDEOS)
    await core.pin("hive", pinned, pinned=True)
    retention = Retention(world.store.library, core.forget, 30)
    today = datetime.now(UTC)
    assert await retention.forget_expired(today + timedelta(days=29)) == 0
    world.store.library.added_ago("sea", timedelta(days=-10))
    assert await retention.forget_expired(today + timedelta(days=31)) == 2
    assert [video.id for video in await core.videos("hive")] == [pinned]
    assert {video.id for video in await core.videos("sea")} == {pinned, *others}
    assert set(await world.keywords.holdings("hive")) == {pinned}


async def test_what_another_process_forgot_and_what_the_store_refuses_stop_nothing(tmp_path):
    world = FakeCore(tmp_path)
    library = world.store.library
    for video in VIDEOS:
        await world.store.videos.save(video)
        await library.add("hive", video.id)
    library.added_ago("hive", timedelta(days=2))
    errors = [UnknownVideo("x"), DiskFull()]
    pauses: list[float] = []

    async def forget(channel: str, video_id: str) -> None:
        if errors and isinstance(error := errors.pop(0), DiskFull):
            raise error
        await library.forget(channel, video_id)
        if errors:
            raise error

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    with suppress(asyncio.CancelledError):
        await Retention(library, forget, 1).follow(sleep)
    assert pauses == [60, 3600, 3600]
    assert await library.count("hive") == 0
