"""discord.py's errors become ChatErrors."""

import asyncio
import json
from types import SimpleNamespace

import aiohttp
import discord
import pytest

from bot.chat import Busy, MessageGone, PlaceClosed, Refused, TooOld
from bot.config import Discord as Section
from bot.discord_adapter.connect import log_in
from bot.discord_adapter.errors import translate, translate_errors


def refusal(status: int, body: object, **headers: str) -> discord.HTTPException:
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    response = SimpleNamespace(status=status, reason="", headers=headers)
    return kinds.get(status, discord.HTTPException)(response, body)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, 10008, MessageGone),
        (400, 30046, TooOld),
        (429, 30046, TooOld),
        (404, 10003, PlaceClosed),
        (403, 50001, PlaceClosed),
        (403, 50013, PlaceClosed),
        (403, 50007, PlaceClosed),
        (400, 50083, PlaceClosed),
        (403, 0, PlaceClosed),
        (400, 50035, Refused),
        (400, 200000, Refused),
        (403, 200000, Refused),
        (400, 160006, Refused),
        (400, 99999, Refused),
        (403, 40333, Busy),
        (429, 20028, Busy),
        (500, 0, Busy),
        (401, 0, Busy),
    ],
)
def test_every_code_becomes_its_chat_error(status, code, kind):
    assert type(translate(refusal(status, {"code": code, "message": "no"}))) is kind


def test_a_cloudflare_page_is_busy_whatever_its_status():
    page = "<!DOCTYPE html><html>Access denied</html>"
    for status in (403, 429, 503):
        assert isinstance(translate(refusal(status, page)), Busy)


def test_a_rate_limit_carries_its_duration():
    assert translate(discord.RateLimited(40.0)).retry_after_s == 40.0
    limited = refusal(429, "<html>", **{"Retry-After": "7"})
    assert translate(limited).retry_after_s == 7.0


def test_a_refused_token_waits_minutes_before_the_next_try():
    assert translate(refusal(401, {"code": 0})).retry_after_s >= 60


@pytest.mark.parametrize(
    "error", [aiohttp.ServerDisconnectedError(), ConnectionResetError(), TimeoutError()]
)
def test_a_failed_connection_is_busy(error):
    assert isinstance(translate(error), Busy)


async def test_a_call_cancelled_in_a_global_rate_limit_releases_the_others():
    everybody_may = asyncio.Event()
    client = SimpleNamespace(http=SimpleNamespace(_global_over=everybody_may))
    with pytest.raises(Busy):
        async with translate_errors(client):
            raise TimeoutError
    assert everybody_may.is_set()


async def test_a_call_can_override_the_meaning_of_a_code():
    client = SimpleNamespace()
    with pytest.raises(TooOld):
        async with translate_errors(client, {50083: TooOld}):
            raise refusal(400, {"code": 50083})


async def test_a_truncated_response_is_busy():
    with pytest.raises(Busy):
        async with translate_errors(SimpleNamespace()):
            json.loads("{")


@pytest.mark.parametrize(
    "failure", [json.JSONDecodeError("cut", "{", 1), aiohttp.ClientError(), TimeoutError()]
)
async def test_a_login_that_cannot_reach_discord_is_retried(failure):
    async def login(token: str) -> None:
        raise failure

    assert await log_in(SimpleNamespace(login=login), Section()) is False
