"""This file listens: what people do on Discord reaches the Receiver, and what only the person shall
see goes back. discord.py starts a task for each event, so none waits for another.

An interaction is acknowledged before anything else: Discord gives three seconds. Nothing long hangs
on its token, which lives for fifteen minutes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

import discord

from bot.chat import Draft, Receiver
from bot.discord_adapter import event_values, payloads
from bot.discord_adapter.errors import CALL_TIMEOUT_S, FAILURES, loggable
from core.text.display import shorten

log = logging.getLogger(__name__)

ACKNOWLEDGE_S = 3.0
CHOICES = 25
CHOICE_CHARACTERS = 100
UNKNOWN_INTERACTION = 10062

Interaction = discord.Interaction[discord.Client]


class EventListener:
    """One receiver's."""

    def __init__(self, client: discord.Client, receiver: Receiver) -> None:
        self._client = client  # borrowed
        self._receiver = receiver

    def listen(self) -> None:
        """From now on the client's events come here."""
        for hear in (
            self.on_message,
            self.on_interaction,
            self.on_raw_thread_delete,
            self.on_guild_channel_delete,
        ):
            self._client.event(hear)

    async def on_message(self, message: discord.Message) -> None:
        if self._client.user and event_values.is_from_a_person(message):
            channel: Any = message.channel
            if isinstance(channel, discord.PartialMessageable):
                channel = await self._client.fetch_channel(channel.id)
            await self._receiver.message(
                event_values.read_message(message, channel, self._client.user)
            )

    async def on_raw_thread_delete(self, thread: discord.RawThreadDeleteEvent) -> None:
        await self._receiver.place_gone(str(thread.thread_id))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Discord says nothing of the threads that go with it."""
        await self._receiver.place_gone(str(channel.id))

    async def on_interaction(self, interaction: Interaction) -> None:
        if interaction.channel is None:
            log.warning("an interaction in a kind of channel that discord.py does not know")
        elif interaction.type is discord.InteractionType.component:
            await self._press(interaction)
        elif interaction.type is discord.InteractionType.application_command:
            await self._command(interaction)
        elif interaction.type is discord.InteractionType.autocomplete:
            await self._suggest(interaction)

    async def _press(self, interaction: Interaction) -> None:
        data: Any = interaction.data
        if button_id := payloads.read_button_id(data["custom_id"]):
            heard = await _acknowledge(interaction.response.defer())
            draft = await self._receiver.press(event_values.press(interaction, button_id))
            if heard and draft:
                await _answer(
                    interaction.followup.send(ephemeral=True, **payloads.send_arguments(draft))
                )

    async def _command(self, interaction: Interaction) -> None:
        heard = await _acknowledge(interaction.response.defer(ephemeral=True, thinking=True))
        draft = await self._receiver.command(event_values.command(interaction))
        if heard:
            await _answer(_thought(interaction, draft))

    async def _suggest(self, interaction: Interaction) -> None:
        option, typed = event_values.focused_option(interaction)
        command = event_values.command(interaction)
        found = await self._receiver.suggest(command, option, typed)
        choices = [
            discord.app_commands.Choice(name=shorten(label, CHOICE_CHARACTERS), value=value)
            for label, value in found
            if label.strip() and 0 < len(value) <= CHOICE_CHARACTERS
        ]
        await _answer(interaction.response.autocomplete(choices[:CHOICES]))


async def _acknowledge(acknowledging: Awaitable[object]) -> bool:
    """Whether the person can be answered. What they asked for is done in any case."""
    try:
        async with asyncio.timeout(ACKNOWLEDGE_S):
            await acknowledging
    except FAILURES as error:
        log.warning("an interaction was not acknowledged: %s", loggable(error))
        return not (isinstance(error, discord.HTTPException) and error.code == UNKNOWN_INTERACTION)
    return True


async def _answer(answering: Awaitable[object]) -> None:
    """It is for the person alone, so it has no other way to them."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await answering
    except FAILURES as error:
        log.warning("an interaction was not answered: %s", loggable(error))


async def _thought(interaction: Interaction, draft: Draft | None) -> None:
    """In place of "… is thinking" stands the draft, or nothing."""
    if draft:
        await interaction.edit_original_response(**payloads.edit_arguments(draft))
    else:
        await interaction.delete_original_response()
