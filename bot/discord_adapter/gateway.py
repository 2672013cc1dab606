"""Keep the gateway connection to Discord open, reconnecting after every failure."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import discord

from bot.backoff import backoff_s
from bot.chat import Receiver
from bot.discord_adapter.command_registration import register_commands
from bot.discord_adapter.errors import FAILURES
from bot.discord_adapter.listener import EventListener
from core.errors import ConfigInvalid

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 120.0
"""Discord allows 1,000 sessions a day, then it resets the token."""


class Gateway:
    """The connection that events arrive on. `intents`: the client's own object; a change to it
    applies from the next session on."""

    def __init__(self, client: discord.Client, intents: discord.Intents) -> None:
        self._client = client  # borrowed; it is logged in
        self._intents = intents
        self._failures = 0

    async def serve(self, receiver: Receiver) -> None:
        """Receive events until cancelled or the client is closed. Raises ConfigInvalid if Discord
        does not accept the bot."""
        EventListener(self._client, receiver).register()
        registering = asyncio.create_task(register_commands(self._client))
        try:
            while not self._client.is_closed():
                await self._connect()
        finally:
            registering.cancel()
            await asyncio.wait([registering])

    async def _connect(self) -> None:
        """Run one session, which discord.py resumes as long as it can."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            await self._client.connect()
        except discord.PrivilegedIntentsRequired as error:
            if not self._intents.message_content:
                raise ConfigInvalid("discord.token", "Discord refuses the bot's intents") from error
            log.warning(
                "Discord denies the message content intent: developer portal → Bot → intents"
            )
            self._intents.message_content = False
        except discord.ConnectionClosed as error:
            problem = f"Discord closed the connection and will not reopen it ({error.code})"
            raise ConfigInvalid("discord.token", problem) from error
        except Exception:  # anything that parsing an event raises: it stops discord.py
            log.error("Lost the connection to Discord, reconnecting", exc_info=True)
            lasted = clock() - began > LONGEST_PAUSE_S
            self._failures = 0 if lasted else self._failures + 1
            await self._close_socket()
            await asyncio.sleep(backoff_s(self._failures, LONGEST_PAUSE_S) - 1)

    async def _close_socket(self) -> None:
        if self._client.ws is not None:
            with suppress(*FAILURES):
                await self._client.ws.close()
