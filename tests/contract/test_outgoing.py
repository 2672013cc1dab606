"""This file holds what `Outgoing` promises, in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.backends.storage.store import Store
from core.chat_records import Effect
from core.ports import Outgoing
from tests.fakes.store import MemoryStore

HELLO = Effect("discord", "hello", "channel", '{"blocks": ["Hi"]}')
PROGRESS = replace(HELLO, key="progress", owner="job", finished=False)


@pytest.fixture
def outgoing(store: Store | MemoryStore) -> Outgoing:
    return store.outgoing


def numbered(effects: list[Effect]) -> list[Effect]:
    return [replace(effect, number=0) for effect in effects]


async def test_what_was_added_comes_back_in_order(outgoing):
    every_field = Effect(
        "discord", "k", "p", "꿀벌 \\u0000", "thread", "o", "m1", "m2", 3, 5, 4, False
    )
    for effect in (HELLO, every_field, PROGRESS):
        assert numbered([await outgoing.add(effect)]) == [effect]
    found = await outgoing.unsettled("discord")
    assert numbered(found) == [HELLO, every_field, PROGRESS]
    assert found == sorted(found, key=lambda effect: effect.number)
    assert len({effect.number for effect in found}) == 3


async def test_a_key_that_is_known_changes_nothing(outgoing):
    first = await outgoing.add(HELLO)
    again = replace(HELLO, draft="other", place="elsewhere")
    assert await outgoing.add(again) == first
    assert await outgoing.unsettled("discord") == [first]
    seen = replace(first, target="m1", shown=1)
    await outgoing.save(seen)
    assert await outgoing.add(again) == seen


async def test_a_key_added_many_times_at_once_is_there_once(outgoing):
    added = await asyncio.gather(*(outgoing.add(HELLO) for _ in range(8)))
    assert added == await outgoing.unsettled("discord") * 8


async def test_saving_replaces_all_but_the_place_in_the_order(outgoing):
    await outgoing.add(PROGRESS)
    await outgoing.add(HELLO)
    changed = replace(PROGRESS, draft="50 %", target="m1", attempt=1, revision=2, shown=1)
    await outgoing.save(changed)
    assert numbered(await outgoing.unsettled("discord")) == [changed, HELLO]


async def test_what_is_not_stored_cannot_be_saved(outgoing):
    await outgoing.save(HELLO)
    assert await outgoing.unsettled("discord") == []


@pytest.mark.parametrize(
    ("finished", "shown", "settled"),
    [(True, 2, True), (True, 1, False), (False, 2, False), (False, 1, False)],
)
async def test_what_is_over_is_finished_and_shown_as_it_shall_look(
    outgoing, finished, shown, settled
):
    effect = replace(PROGRESS, finished=finished, revision=2, shown=shown)
    await outgoing.add(effect)
    assert (await outgoing.unsettled("discord") == []) is settled
    assert effect.over is settled


async def test_platforms_do_not_see_each_other(outgoing):
    there = replace(HELLO, platform="telegram")
    await outgoing.add(HELLO)
    await outgoing.add(there)
    await outgoing.save(replace(HELLO, shown=1))
    assert await outgoing.unsettled("discord") == []
    assert numbered(await outgoing.unsettled("telegram")) == [there]


async def test_what_was_over_before_is_forgotten_and_nothing_else(outgoing):
    over = replace(HELLO, shown=1)
    for effect in (over, PROGRESS):
        await outgoing.add(effect)
    hour = timedelta(hours=1)
    await outgoing.purge(datetime.now(UTC) - hour)
    assert (await outgoing.add(over)).shown == 1
    await outgoing.purge(datetime.now(UTC) + hour)
    assert numbered([await outgoing.add(HELLO)]) == [HELLO]
    assert numbered(await outgoing.unsettled("discord")) == [PROGRESS, HELLO]
