"""A minimal discord.py bot that records what it receives and answers from a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands

from tests.counterparts.discord.twin import TOKEN

INTENTS = discord.Intents(
    guilds=True, guild_messages=True, dm_messages=True, guild_reactions=True, message_content=True
)


class PlainBot(discord.Client):
    """A bot that records events. `heard`: messages people wrote. `pressed`: components pressed.
    `answers`: custom_id or command → function that handles the interaction; others are only
    acknowledged."""

    def __init__(self, intents: discord.Intents = INTENTS) -> None:
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=0.05,
        )
        self.tree = app_commands.CommandTree(self)
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.pressed: asyncio.Queue[discord.Interaction] = asyncio.Queue()
        self.reactions: asyncio.Queue[discord.RawReactionActionEvent] = asyncio.Queue()
        self.answers: dict[str, Any] = {}

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Skip discord.py's five-second wait before it identifies again."""

    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot:
            self.heard.put_nowait(message)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self.reactions.put_nowait(event)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type is not discord.InteractionType.component:
            return
        answer = self.answers.get(interaction.data["custom_id"])
        await (answer(interaction) if answer else interaction.response.defer())
        self.pressed.put_nowait(interaction)

    async def next_heard(self) -> discord.Message:
        return await asyncio.wait_for(self.heard.get(), 10)


@asynccontextmanager
async def running(bot: PlainBot) -> AsyncIterator[PlainBot]:
    """Log the bot in and wait until it is ready."""
    async with bot:
        work = asyncio.create_task(bot.start(TOKEN))
        ready = asyncio.create_task(bot.wait_until_ready())
        await asyncio.wait({work, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        try:
            yield bot
        finally:
            ready.cancel()
            await bot.close()
            await asyncio.gather(work, return_exceptions=True)
