"""Answers stream into twenty groups at once on a Telegram whose rate limits run at ten times the
speed.
"""

from __future__ import annotations

import asyncio

import pytest

from bot.chat import Draft
from bot.delivery.outbox import open_outbox
from bot.telegram_adapter.connect import open_telegram
from bot.telegram_adapter.rate_limits import GROUP_MESSAGES_PER_MINUTE, RateLimits
from tests.counterparts.telegram.server import TelegramServer
from tests.fakes.store import FakeOutboxEntries
from tests.harness.telegram_adapter import section

FASTER = 10
GROUPS = 20
LASTS_S = 7.0
"""More than a minute of the counterpart's rate limits."""


@pytest.fixture
def platform():
    with TelegramServer(chat_s=1 / FASTER, group_s=60 / FASTER, overall_s=1 / FASTER) as platform:
        yield platform


def hurried(limits: RateLimits) -> RateLimits:
    return RateLimits(
        *(s / FASTER for s in (limits.chat_s, limits.edit_s, limits.minute_s, limits.overall_s))
    )


async def test_twenty_groups_stream_at_once_without_hitting_a_rate_limit(platform, tmp_path):
    groups = [await platform.people.make_supergroup(f"Hive {n}") for n in range(GROUPS)]
    async with (
        open_telegram(section(platform), tmp_path) as telegram,
        open_outbox(telegram, FakeOutboxEntries()) as outbox,
    ):
        telegram.rate_limits = hurried(telegram.rate_limits)
        telegram.edit_interval_s /= FASTER

        async def stream(group: int) -> int:
            """Stream an answer and return how often users see it change."""
            live = await outbox.grow(str(group), Draft(("…",)), key=str(group), owner="x")
            text, begun = "", platform.world.now()
            while platform.world.now() < begun + LASTS_S:
                text += "x"
                live.show(Draft((text,)))
                await asyncio.sleep(0.02)
            await live.finish(Draft((f"{text}.",)))
            await live.delivered()
            [seen] = await platform.people.messages(group)
            assert seen.text == f"{text}."
            return len(seen.versions)

        changes = await asyncio.gather(*map(stream, groups))
    assert platform.limited == platform.refused == []
    assert min(changes) >= GROUP_MESSAGES_PER_MINUTE / 2, (
        "nobody is left out; how soon it is seen: make bench"
    )
