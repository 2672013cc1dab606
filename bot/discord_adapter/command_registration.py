"""This file has Discord learn our commands."""

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
    """Only if it has others: it takes a few hundred changes a day. Tried until it works."""
    failures = 0
    while True:
        try:
            await _register(client)
            return
        except Busy as busy:
            failures += 1
            await asyncio.sleep(busy.retry_after_s or backoff_s(failures, LONGEST_PAUSE_S))
        except ChatError as error:
            log.error("Discord does not take our commands: %s", error.__cause__)
            return


async def _register(client: discord.Client) -> None:
    ours = await asyncio.to_thread(
        _our_commands
    )  # reading the words takes as long as a late heartbeat
    app = client.application_id
    assert app is not None  # known since the login
    # discord.py's own call leaves out the words in other languages.
    route = Route("GET", "/applications/{application_id}/commands", application_id=app)
    async with translate_errors(client):
        theirs = await client.http.request(route, params={"with_localizations": "true"})
        if commands_differ(ours, theirs):
            await client.http.bulk_upsert_global_commands(app, ours)
            log.info("Discord has learnt our commands")


def _our_commands() -> list[Json]:
    return registration_payload(Words("en"), [Words("ko")])
