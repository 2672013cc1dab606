"""This file keeps Discord's events coming, whatever breaks."""

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
"""Discord allows a thousand sessions a day, then it takes the token away."""


class Gateway:
    """`intents`: the client's own object: what is changed in it holds from the next session on."""

    def __init__(self, client: discord.Client, intents: discord.Intents) -> None:
        self._client = client  # borrowed; it is logged in
        self._intents = intents
        self._failures = 0

    async def serve(self, receiver: Receiver) -> None:
        """Until it is cancelled or the client is closed. Raises ConfigInvalid where Discord will
        not have us."""
        EventListener(self._client, receiver).listen()
        telling = asyncio.create_task(register_commands(self._client))
        try:
            while not self._client.is_closed():
                await self._connect()
        finally:
            telling.cancel()
            await asyncio.wait([telling])

    async def _connect(self) -> None:
        """One session, which discord.py resumes as often as it can."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            await self._client.connect()
        except discord.PrivilegedIntentsRequired as error:
            if not self._intents.message_content:
                raise ConfigInvalid("discord.token", "Discord refuses what we ask for") from error
            log.warning("Discord does not let us read messages: its portal → Bot → intents")
            self._intents.message_content = False
        except discord.ConnectionClosed as error:
            problem = f"Discord has closed the connection for good ({error.code})"
            raise ConfigInvalid("discord.token", problem) from error
        except Exception:  # by whatever reading an event raised: discord.py would hear no more
            log.error("the connection to Discord broke, and is made anew", exc_info=True)
            lasted = clock() - began > LONGEST_PAUSE_S
            self._failures = 0 if lasted else self._failures + 1
            await self._hang_up()
            await asyncio.sleep(backoff_s(self._failures, LONGEST_PAUSE_S) - 1)

    async def _hang_up(self) -> None:
        if self._client.ws is not None:
            with suppress(*FAILURES):
                await self._client.ws.close()
