"""The contract of `Memberships`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.backends.storage.store import Store
from core.chat_records import PlaceBinding
from core.model import Video
from tests.fakes.store import MemoryStore

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HIVE, SEA, OTHER, BOUND = "discord:1", "discord:2", "discord:3", "discord:4"


@pytest.fixture
async def noted(store: Store | MemoryStore) -> Store | MemoryStore:
    """Two servers on one platform, and a chat of another one."""
    await store.videos.save(Video("a", "A"))
    for channel in (HIVE, SEA, OTHER):
        await store.library.add(channel, "a")
    await store.bindings.bind("discord", "4/5", "", PlaceBinding(BOUND, "b", "b"))
    await store.memberships.note(HIVE, "discord:s")
    await store.memberships.note(SEA, "discord:t")
    await store.memberships.note("telegram:-9", "telegram:-9")
    return store


async def test_what_was_left_is_listed_from_then_on(noted):
    left = noted.memberships
    await left.leave("discord:s", [], NOW)
    await left.leave("discord:s", [], NOW + HOUR)  # told twice
    assert await left.left("discord", NOW) == []
    assert await left.left("discord", NOW + HOUR) == [HIVE]
    assert await left.left("telegram", NOW + HOUR) == []


async def test_channels_of_a_server_count_though_they_were_never_noted(noted):
    await noted.memberships.leave("discord:s", [OTHER, BOUND, "discord:empty"], NOW)
    assert await noted.memberships.left("discord", NOW + HOUR) == [HIVE, OTHER, BOUND]


async def test_who_joins_again_or_is_met_has_not_left(noted):
    left = noted.memberships
    await left.leave("discord:s", [], NOW)
    await left.join("discord:s")
    assert await left.left("discord", NOW + HOUR) == []
    await left.leave("discord:s", [], NOW)
    await left.note(HIVE, "discord:s")
    assert await left.left("discord", NOW + HOUR) == []
    await left.meet("discord", ["discord:t"], NOW)
    assert await left.left("discord", NOW + HOUR) == [HIVE]
    await left.meet("discord", ["discord:s", "discord:new"], NOW)
    assert await left.left("discord", NOW + HOUR) == [SEA]
    assert await left.left("telegram", NOW + HOUR) == []


async def test_a_channel_that_was_left_is_listed_until_it_is_forgotten(noted):
    await noted.memberships.leave("discord:s", [], NOW)
    await noted.library.forget(HIVE, "a")
    assert await noted.memberships.left("discord", NOW + HOUR) == [HIVE]
    await noted.library.forget(HIVE)
    await noted.library.forget(SEA)
    assert await noted.memberships.left("discord", NOW + HOUR) == []
    await noted.memberships.leave("discord:t", [], NOW)
    assert await noted.memberships.left("discord", NOW + HOUR) == [SEA], "it was only emptied"
