"""Calls to Telegram are retried through a long outage."""

from telegram.error import NetworkError

from bot.backoff import backoff_s
from bot.telegram_adapter.updates import retry_until_done
from tests.harness.virtual_loop import virtually

DAY_OF_TRIES = 1500


@virtually
async def test_a_call_is_retried_through_a_day_of_outage():
    away = iter(range(DAY_OF_TRIES))

    async def call() -> str:
        if next(away, None) is not None:
            raise NetworkError("away")
        return "there"

    assert await retry_until_done(call) == "there"


def test_backoff_doubles_up_to_its_limit():
    assert [backoff_s(n, 60.0) for n in (0, 3, DAY_OF_TRIES)] == [1.0, 8.0, 60.0]
