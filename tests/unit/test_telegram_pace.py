"""This file holds how fast we may speak on Telegram: never faster than its limits."""

import asyncio
from itertools import pairwise

from bot.telegram_adapter.rate_limits import IN_A_MINUTE, OVERALL, Pace
from tests.harness.virtual_loop import virtually

GROUP, PERSON = -100, 100


async def sent_at(pace: Pace, chat: int, count: int, *, is_edit: bool = False) -> list[float]:
    """When so many go out if each goes as soon as it may."""
    loop, times = asyncio.get_running_loop(), []
    while len(times) < count:
        if wait_s := pace.wait_s(chat, is_edit=is_edit):
            await asyncio.sleep(wait_s)
        else:
            times.append(loop.time())
    return times


def most_in(times: list[float], seconds: float) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


@virtually
async def test_a_chat_hears_one_message_a_second():
    times = await sent_at(Pace(), PERSON, 100)
    assert most_in(times, 1.0) == 1
    assert times[-1] - times[0] < 110


@virtually
async def test_a_group_hears_twenty_a_minute_and_edits_are_spread_over_it():
    for is_edit in (False, True):
        times = await sent_at(Pace(), GROUP, 100, is_edit=is_edit)
        assert most_in(times, 60.0) <= IN_A_MINUTE
        longest = max(later - one for one, later in pairwise(times))
        assert longest < 3.2 or not is_edit


@virtually
async def test_all_together_stay_below_thirty_a_second():
    pace = Pace()
    every = await asyncio.gather(*(sent_at(pace, chat, 5) for chat in range(1, 101)))
    assert most_in(sorted(time for times in every for time in times), 1.0) <= OVERALL


@virtually
async def test_what_telegram_asks_for_holds_for_that_chat_alone():
    pace = Pace()
    pace.hold(GROUP, 300)
    assert 299 < pace.wait_s(GROUP) <= 300
    assert pace.wait_s(PERSON) == 0
    pace.tidy()
    await asyncio.sleep(400)
    pace.tidy()
    assert pace.wait_s(GROUP) == 0
