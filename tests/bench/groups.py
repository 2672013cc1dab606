"""Measure a minute in twenty groups on Telegram, with an answer growing in each, through the real
adapter and real HTTP, at the limits of the real platform.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

from bot.chat import Draft
from bot.delivery.outbox import Outbox, open_outbox
from bot.telegram_adapter.connect import open_telegram
from tests.bench.figures import Row, percentile
from tests.counterparts.telegram.server import TelegramServer
from tests.fakes.store import FakeOutboxEntries
from tests.harness.telegram_adapter import section

GROUPS, SECONDS, WORD_S = 20, 65.0, 0.1


@dataclass
class Growing:
    """An answer in a group; `written` has the time of each of its characters."""

    group: int
    written: list[float] = field(default_factory=list)


def measure(folder: Path) -> list[Row]:
    with TelegramServer() as platform:
        lags, broken = asyncio.run(_minute(platform, folder))
    about = f"{GROUPS} groups, {SECONDS:.0f} s, a word each {WORD_S:g} s"
    return [
        Row("Telegram: a word is seen after, p95", percentile(lags, 0.95), "s", 3.0, about),
        Row("Telegram: asked for patience", len(platform.limited), "", 0),
        Row("Telegram: refused", len(platform.refused), "", 0),
        Row("Telegram: answers that do not end whole", broken, "", 0),
    ]


async def _minute(platform: TelegramServer, folder: Path) -> tuple[list[float], int]:
    """Return every word's lag, and how many answers are incomplete in the end."""
    groups = [await platform.people.make_supergroup(f"Hive {n}") for n in range(GROUPS)]
    async with (
        open_telegram(section(platform), folder) as telegram,
        open_outbox(telegram, FakeOutboxEntries()) as outbox,
    ):
        grown = await asyncio.gather(*(_grow(platform, outbox, group) for group in groups))
    lags, broken = [], 0
    for answer in grown:
        [seen] = await platform.people.messages(answer.group)
        broken += len(seen.text) != len(answer.written)
        lengths = [len(look.text) for look in seen.versions]
        for n, at in enumerate(answer.written[1:], 2):  # the first is the answer's start
            lags.append(seen.versions[bisect_left(lengths, n)].at - at)
    return lags, broken


async def _grow(platform: TelegramServer, outbox: Outbox, group: int) -> Growing:
    """Grow an answer; one letter stands for a word."""
    answer = Growing(group, [platform.world.now()])
    live = await outbox.grow(str(group), Draft(("x",)), key=str(group), owner="bench")
    while platform.world.now() < answer.written[0] + SECONDS:
        answer.written.append(platform.world.now())
        live.show(Draft(("x" * len(answer.written),)))
        await asyncio.sleep(WORD_S)
    await live.finish(Draft(("x" * len(answer.written),)))
    await live.delivered()
    return answer
