"""Connect to Discord: log in, and close the connections at the end."""

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
"""Longest wait for a rate limit inside a call; a longer one raises Busy."""
CLOSING_S = 4.0


@asynccontextmanager
async def open_discord(config: Section) -> AsyncIterator[Discord]:
    """Log in to Discord, retrying until it can be reached. Messages can then be sent; `serve`
    receives events.

    Raises ConfigInvalid for a wrong token."""
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
    """Log in; return whether Discord could be reached. Raises ConfigInvalid for a wrong token."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await client.login(config.token.get_secret_value())
    except discord.LoginFailure as error:
        raise ConfigInvalid("discord.token", "Discord does not know it") from error
    except FAILURES as error:
        log.warning("Cannot reach Discord: %s", loggable(error))
        return False
    return True


def use_addresses(config: Section) -> None:
    """Use the configured addresses of Discord. discord.py keeps them in classes, so they apply to
    the whole process."""
    if config.api_base:
        Route.BASE = config.api_base
    if config.gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(config.gateway_url)


@asynccontextmanager
async def open_client(config: Section) -> AsyncIterator[tuple[discord.Client, discord.Intents]]:
    """Create a client, closed at the end. It subscribes only to the events that the bot uses, and
    caches servers and channels, but neither messages nor people."""
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
