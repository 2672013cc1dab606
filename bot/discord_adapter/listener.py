"""Pass Discord's events to the Receiver, and its private replies back to the person.

discord.py starts a task for each event, so none waits for another. An interaction is acknowledged
first, because Discord allows three seconds. Its token lives for 15 minutes, so long work does not
reply through it.
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

ACKNOWLEDGE_TIMEOUT_S = 3.0
CHOICES = 25
CHOICE_CHARACTERS = 100
UNKNOWN_INTERACTION = 10062

Interaction = discord.Interaction[discord.Client]


class EventListener:
    """Passes events to one receiver."""

    def __init__(self, client: discord.Client, receiver: Receiver) -> None:
        self._client = client  # borrowed
        self._receiver = receiver

    def register(self) -> None:
        """Register the handlers with the client."""
        for handler in (
            self.on_message,
            self.on_interaction,
            self.on_raw_thread_delete,
            self.on_guild_channel_delete,
            self.on_guild_remove,
            self.on_guild_join,
            self.on_ready,
        ):
            self._client.event(handler)

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
        """Report the channel. Discord sends no event for its threads."""
        await self._receiver.place_gone(str(channel.id))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was removed, or the server deleted. An outage is another event."""
        await self._receiver.removed(str(guild.id), [str(one.id) for one in guild.channels])

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._receiver.joined(str(guild.id))

    async def on_ready(self) -> None:
        """A new session lists all servers, also those that have an outage."""
        await self._receiver.is_in([str(guild.id) for guild in self._client.guilds])

    async def on_interaction(self, interaction: Interaction) -> None:
        if interaction.channel is None:
            log.warning("Interaction in a channel type that discord.py does not know")
        elif interaction.type is discord.InteractionType.component:
            await self._press(interaction)
        elif interaction.type is discord.InteractionType.application_command:
            await self._command(interaction)
        elif interaction.type is discord.InteractionType.autocomplete:
            await self._suggest(interaction)

    async def _press(self, interaction: Interaction) -> None:
        data: Any = interaction.data
        if button_id := payloads.read_button_id(data["custom_id"]):
            can_answer = await _acknowledge(interaction.response.defer())
            draft = await self._receiver.press(event_values.press(interaction, button_id))
            if can_answer and draft:
                await _answer(
                    interaction.followup.send(ephemeral=True, **payloads.send_arguments(draft))
                )

    async def _command(self, interaction: Interaction) -> None:
        can_answer = await _acknowledge(interaction.response.defer(ephemeral=True, thinking=True))
        draft = await self._receiver.command(event_values.command(interaction))
        if can_answer:
            await _answer(_finish_thinking(interaction, draft))

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
    """Return whether the person can be answered. The request is processed in any case."""
    try:
        async with asyncio.timeout(ACKNOWLEDGE_TIMEOUT_S):
            await acknowledging
    except FAILURES as error:
        log.warning("Interaction not acknowledged: %s", loggable(error))
        return not (isinstance(error, discord.HTTPException) and error.code == UNKNOWN_INTERACTION)
    return True


async def _answer(answering: Awaitable[object]) -> None:
    """Send a private reply. A failure is only logged: it cannot be sent another way."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await answering
    except FAILURES as error:
        log.warning("Interaction not answered: %s", loggable(error))


async def _finish_thinking(interaction: Interaction, draft: Draft | None) -> None:
    """Replace "… is thinking" with the draft, or remove it."""
    if draft:
        await interaction.edit_original_response(**payloads.edit_arguments(draft))
    else:
        await interaction.delete_original_response()
