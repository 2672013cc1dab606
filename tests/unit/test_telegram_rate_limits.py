"""The bot stays below Telegram's rate limits, and close to them."""

import asyncio
from itertools import pairwise

from bot.telegram_adapter.rate_limits import (
    GROUP_MESSAGES_PER_MINUTE,
    MESSAGES_PER_SECOND,
    RateLimits,
)
from tests.harness.virtual_loop import virtually

GROUP, PERSON = -100, 100


async def sent_at(
    limits: RateLimits, chat: int, count: int, *, is_edit: bool = False
) -> list[float]:
    """Send `count` messages as early as the limits allow, and return their times."""
    loop, times = asyncio.get_running_loop(), []
    while len(times) < count:
        if wait_s := limits.reserve(chat, is_edit=is_edit):
            await asyncio.sleep(wait_s)
        else:
            times.append(loop.time())
    return times


def most_in(times: list[float], seconds: float) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


@virtually
async def test_a_chat_gets_at_most_one_message_a_second():
    times = await sent_at(RateLimits(), PERSON, 100)
    assert most_in(times, 1.0) == 1
    assert times[-1] - times[0] < 110


@virtually
async def test_a_group_gets_at_most_twenty_a_minute_and_edits_are_spread():
    for is_edit in (False, True):
        times = await sent_at(RateLimits(), GROUP, 100, is_edit=is_edit)
        assert most_in(times, 60.0) <= GROUP_MESSAGES_PER_MINUTE
        longest = max(later - one for one, later in pairwise(times))
        assert longest < 3.2 or not is_edit


@virtually
async def test_all_chats_together_stay_below_the_overall_limit():
    limits = RateLimits()
    every = await asyncio.gather(*(sent_at(limits, chat, 5) for chat in range(1, 101)))
    assert most_in(sorted(time for times in every for time in times), 1.0) <= MESSAGES_PER_SECOND


@virtually
async def test_a_block_applies_to_its_chat_only():
    limits = RateLimits()
    limits.block(GROUP, 300)
    assert 299 < limits.reserve(GROUP) <= 300
    assert limits.reserve(PERSON) == 0
    limits.forget_idle_chats()
    await asyncio.sleep(400)
    limits.forget_idle_chats()
    assert limits.reserve(GROUP) == 0
