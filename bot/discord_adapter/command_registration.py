"""Register the bot's commands with Discord."""

from __future__ import annotations

import asyncio
import logging

import discord
from discord.http import Route

from bot.backoff import backoff_s
from bot.chat import Busy, ChatError
from bot.discord_adapter.errors import translate_errors
from bot.discord_adapter.slash_commands import Json, commands_differ, registration_payload
from bot.words import Words

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 300.0


async def register_commands(client: discord.Client) -> None:
    """Register the commands if Discord has others: it allows a few hundred changes a day. Retries
    until it works or Discord refuses them."""
    failures = 0
    while True:
        try:
            await _register(client)
            return
        except Busy as busy:
            failures += 1
            await asyncio.sleep(busy.retry_after_s or backoff_s(failures, LONGEST_PAUSE_S))
        except ChatError as error:
            log.error("Discord refused the commands: %s", error.__cause__)
            return


async def _register(client: discord.Client) -> None:
    # In a thread: reading the locale files would delay a heartbeat.
    ours = await asyncio.to_thread(_our_commands)
    app = client.application_id
    assert app is not None  # known since the login
    # discord.py's own call leaves out the localizations.
    route = Route("GET", "/applications/{application_id}/commands", application_id=app)
    async with translate_errors(client):
        theirs = await client.http.request(route, params={"with_localizations": "true"})
        if commands_differ(ours, theirs):
            await client.http.bulk_upsert_global_commands(app, ours)
            log.info("Registered commands with Discord")


def _our_commands() -> list[Json]:
    return registration_payload(Words("en"), [Words("ko")])
