"""Run our Discord adapter against the Discord counterpart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

from pydantic import SecretStr

from bot.config import Discord as Section
from bot.discord_adapter.adapter import Discord
from bot.discord_adapter.connect import open_discord
from tests.counterparts.discord.http_front import API
from tests.counterparts.discord.server import TOKEN, DiscordServer
from tests.fakes.receiver import ScriptedReceiver

KEYS = map(str, count())
"""Unique keys: Discord remembers a user's nonces across channels."""


def section(server: DiscordServer, token: str = TOKEN, *, message_content: bool = True) -> Section:
    return Section(
        token=SecretStr(token),
        api_base=server.url + API,
        gateway_url=server.gateway.url,
        message_content=message_content,
    )


@asynccontextmanager
async def serving_bot(server: DiscordServer, receiver: ScriptedReceiver) -> AsyncIterator[Discord]:
    """Open the Discord adapter and serve events to `receiver`."""
    async with open_discord(section(server)) as discord:
        work = asyncio.create_task(discord.serve(receiver))
        try:
            ready = asyncio.create_task(discord.ready())
            await asyncio.wait({work, ready}, return_when=asyncio.FIRST_COMPLETED)
            yield discord
        finally:
            ready.cancel()
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
