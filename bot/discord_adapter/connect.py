"""This file opens Discord: logs in, and closes what it opened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.backoff import backoff_s
from bot.config import Discord as Section
from bot.discord_adapter.adapter import Discord
from bot.discord_adapter.errors import CALL_TIMEOUT_S, FAILURES, loggable
from bot.discord_adapter.gateway import Gateway
from bot.discord_adapter.payloads import NO_MENTIONS
from core.errors import ConfigInvalid

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 60.0
LONGEST_RATE_WAIT_S = 30.0
"""For Discord's rate limits, inside a call; what asks for more is told as Busy."""
CLOSING_S = 4.0


@asynccontextmanager
async def open_discord(config: Section) -> AsyncIterator[Discord]:
    """Logged in: messages can be sent, and `serve` makes people heard. Where Discord cannot be
    reached it is waited for.

    Raises ConfigInvalid where the token is wrong."""
    use_addresses(config)
    failures = 0
    while True:
        async with open_client(config) as (client, intents):
            if await log_in(client, config):
                yield Discord(client, Gateway(client, intents))
                return
        await asyncio.sleep(backoff_s(failures, LONGEST_PAUSE_S))
        failures += 1


async def log_in(client: discord.Client, config: Section) -> bool:
    """Whether Discord was there. Raises ConfigInvalid."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await client.login(config.token.get_secret_value())
    except discord.LoginFailure as error:
        raise ConfigInvalid("discord.token", "Discord does not know it") from error
    except FAILURES as error:
        log.warning("Discord cannot be reached: %s", loggable(error))
        return False
    return True


def use_addresses(config: Section) -> None:
    """discord.py keeps the addresses of Discord in classes, so they hold for the whole process."""
    if config.api_base:
        Route.BASE = config.api_base
    if config.gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(config.gateway_url)


@asynccontextmanager
async def open_client(config: Section) -> AsyncIterator[tuple[discord.Client, discord.Intents]]:
    """It keeps servers and channels in mind, but neither messages nor people, and listens to no
    more than we use. It is closed at the end."""
    intents = discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        message_content=config.message_content,
    )
    client = discord.Client(
        intents=intents,
        allowed_mentions=NO_MENTIONS,
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        max_ratelimit_timeout=LONGEST_RATE_WAIT_S,
        guild_ready_timeout=0.1,
    )
    try:
        yield client, intents
    finally:
        with suppress(*FAILURES):
            async with asyncio.timeout(CLOSING_S):
                await client.close()
        await client.http.close()
