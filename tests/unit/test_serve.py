"""When the end of one platform ends the program."""

import asyncio

import pytest

from bot.serve import serve_all
from core.errors import ConfigInvalid, StoreBroken


async def for_ever():
    await asyncio.Event().wait()


async def fails(error, after_s=0.0):
    await asyncio.sleep(after_s)
    raise error


async def test_a_wrong_token_ends_the_program_at_the_start():
    with pytest.raises(ConfigInvalid):
        await serve_all({"Discord": fails(ConfigInvalid("k", "p")), "Telegram": for_ever()}, set())


async def test_a_platform_that_fails_later_stops_no_other():
    platforms = {"Discord": fails(ConfigInvalid("k", "p")), "Telegram": for_ever()}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await serve_all(platforms, {"Discord", "Telegram"})


async def test_the_last_platforms_error_is_raised():
    platforms = {
        "Discord": fails(ConfigInvalid("k", "p")),
        "Telegram": fails(StoreBroken("no"), 0.01),
    }
    with pytest.raises(StoreBroken):
        await serve_all(platforms, {"Discord", "Telegram"})
