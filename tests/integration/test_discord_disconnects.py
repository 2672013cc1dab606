"""200 disconnects of every kind, with duplicate events: each event is processed once."""

from __future__ import annotations

import random
from functools import partial

import pytest

from tests.counterparts.discord.server import serving
from tests.harness.discord_stage import on_stage
from tests.harness.eventually import eventually

DISCONNECTS, SEED = 200, 4
EVERY, TWICE = 20, 0.1
"""Every 20th disconnect ends the session; one in ten repeats the last events."""
MOST_IDENTIFIES = 20


@pytest.fixture
def platform():
    with serving(window_s=0.1) as platform:
        yield platform
        assert platform.front.refused == []
        assert platform.gateway.closes == []


async def test_each_event_is_processed_once_through_two_hundred_disconnects(platform, tmp_path):
    people, gateway, dice = platform.people, platform.gateway, random.Random(SEED)
    softly = [
        gateway.drop,
        partial(gateway.drop, 4000),
        gateway.reconnect,
        partial(gateway.invalidate, resumable=True),
    ]
    async with on_stage(platform, tmp_path) as stage:
        places = [stage.place, *[await people.make_channel(f"place-{n}") for n in range(3)]]
        for n in range(DISCONNECTS):
            if ends := n % EVERY == EVERY - 1:  # loses the events in transit
                await eventually(partial(are_acted_on, stage, n))
            await (partial(gateway.invalidate, resumable=False) if ends else dice.choice(softly))()
            if ends or dice.random() < 0.5:  # otherwise written while disconnected
                await is_connected(gateway)
            await people.write(places[n % len(places)], f"<@{people.bot}> question {n}?")
            if dice.random() < TWICE:
                await gateway.repeat(3)
        await is_connected(gateway)
        await eventually(partial(are_acted_on, stage, DISCONNECTS))
        await stage.rest()
        told = [one for place in places for one in await stage.says(place)]
        assert len(told) == DISCONNECTS
        assert len(stage.store.outbox_entries.effects) == DISCONNECTS
    assert gateway.identifies <= MOST_IDENTIFIES
    assert gateway.resumes >= DISCONNECTS / 2


async def are_acted_on(stage, count: int) -> bool:
    return len(stage.store.outbox_entries.effects) >= count


async def is_connected(gateway) -> None:
    async def found() -> bool:
        return gateway.connected == 1

    await eventually(found, 20)
