"""The contract of `OutboxEntries`: in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.backends.storage.store import Store
from core.chat_records import OutboxEntry
from core.metrics.instruments import Instruments
from core.metrics.measured_ports import MeasuredOutboxEntries
from core.ports import OutboxEntries
from tests.fakes.store import MemoryStore

HELLO = OutboxEntry("discord", "hello", "channel", '{"blocks": ["Hi"]}')
PROGRESS = replace(HELLO, key="progress", owner="job", finished=False)


@pytest.fixture
def outbox_entries(store: Store | MemoryStore) -> OutboxEntries:
    """Return the store's; those in memory are counted on the way."""
    if isinstance(store, MemoryStore):
        return MeasuredOutboxEntries(store.outbox_entries, Instruments())
    return store.outbox_entries


def numbered(effects: list[OutboxEntry]) -> list[OutboxEntry]:
    return [replace(effect, number=0) for effect in effects]


async def test_entries_come_back_in_the_order_of_adding(outbox_entries):
    every_field = OutboxEntry(
        "discord", "k", "p", "꿀벌 \\u0000", "thread", "o", "m1", "m2", 3, 5, 4, False
    )
    for effect in (HELLO, every_field, PROGRESS):
        assert numbered([await outbox_entries.add(effect)]) == [effect]
    found = await outbox_entries.unfinished("discord")
    assert numbered(found) == [HELLO, every_field, PROGRESS]
    assert found == sorted(found, key=lambda effect: effect.number)
    assert len({effect.number for effect in found}) == 3


async def test_a_key_that_is_known_changes_nothing(outbox_entries):
    first = await outbox_entries.add(HELLO)
    again = replace(HELLO, draft="other", place="elsewhere")
    assert await outbox_entries.add(again) == first
    assert await outbox_entries.unfinished("discord") == [first]
    seen = replace(first, target="m1", shown=1)
    await outbox_entries.save(seen)
    assert await outbox_entries.add(again) == replace(seen, draft="")


async def test_a_delivered_message_keeps_no_words(outbox_entries):
    """Only its key and the platform's id are needed, so that it is not posted again (#12)."""
    for finished in (True, False):
        name = f"{finished}"
        entry = replace(PROGRESS, key=name, draft="bees dance", shown=1, finished=finished)
        stored = await outbox_entries.add(replace(entry, shown=0, finished=False))
        await outbox_entries.save(replace(entry, number=stored.number))
        draft = (await outbox_entries.add(entry)).draft
        assert draft == ("" if finished else "bees dance")


async def test_a_key_added_many_times_at_once_is_there_once(outbox_entries):
    added = await asyncio.gather(*(outbox_entries.add(HELLO) for _ in range(8)))
    assert added == await outbox_entries.unfinished("discord") * 8


async def test_saving_replaces_everything_but_the_position(outbox_entries):
    await outbox_entries.add(PROGRESS)
    await outbox_entries.add(HELLO)
    changed = replace(PROGRESS, draft="50 %", target="m1", attempt=1, revision=2, shown=1)
    await outbox_entries.save(changed)
    assert numbered(await outbox_entries.unfinished("discord")) == [changed, HELLO]


async def test_an_entry_that_was_never_added_cannot_be_saved(outbox_entries):
    await outbox_entries.save(HELLO)
    assert await outbox_entries.unfinished("discord") == []


@pytest.mark.parametrize(
    ("finished", "shown", "settled"),
    [(True, 2, True), (True, 1, False), (False, 2, False), (False, 1, False)],
)
async def test_an_entry_is_over_when_it_is_finished_and_shown(
    outbox_entries, finished, shown, settled
):
    effect = replace(PROGRESS, finished=finished, revision=2, shown=shown)
    await outbox_entries.add(effect)
    assert (await outbox_entries.unfinished("discord") == []) is settled
    assert effect.over is settled


async def test_platforms_do_not_see_each_others_entries(outbox_entries):
    there = replace(HELLO, platform="telegram")
    await outbox_entries.add(HELLO)
    await outbox_entries.add(there)
    await outbox_entries.save(replace(HELLO, shown=1))
    assert await outbox_entries.unfinished("discord") == []
    assert numbered(await outbox_entries.unfinished("telegram")) == [there]


async def test_purging_deletes_only_entries_that_were_over_before(outbox_entries):
    over = replace(HELLO, shown=1)
    for effect in (over, PROGRESS):
        await outbox_entries.add(effect)
    hour = timedelta(hours=1)
    await outbox_entries.purge(datetime.now(UTC) - hour)
    assert (await outbox_entries.add(over)).shown == 1
    await outbox_entries.purge(datetime.now(UTC) + hour)
    assert numbered([await outbox_entries.add(HELLO)]) == [HELLO]
    assert numbered(await outbox_entries.unfinished("discord")) == [PROGRESS, HELLO]
