"""The `Chat` port on Discord. A place is the id of a channel or a thread."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import discord

from bot.chat import Busy, Draft, Receiver, Refused, TooOld, Upload, Where
from bot.discord_adapter import payloads
from bot.discord_adapter.errors import (
    ARCHIVED,
    MISSING_PERMISSIONS,
    THREAD_EXISTS,
    translate_errors,
)
from bot.discord_adapter.gateway import Gateway
from bot.discord_adapter.markdown import DiscordMarkdown
from core.text.display import shorten, utf16_length

log = logging.getLogger(__name__)

OLD_S = 3600.0
"""Discord limits edits of messages older than this more strictly."""


class Discord:
    """`Chat` for one bot; create it with `open_discord`."""

    name = "discord"
    deduplicates = True
    localised_commands = True
    edit_interval_s = 1.2
    text_limit = 2000
    card_limit = 4096
    style = DiscordMarkdown()

    def __init__(self, client: discord.Client, gateway: Gateway) -> None:
        self._client = client  # borrowed; it is logged in
        self._gateway = gateway

    async def serve(self, receiver: Receiver) -> None:
        """Pass events to `receiver` until cancelled. Raises ConfigInvalid if Discord no longer
        accepts the bot."""
        await self._gateway.serve(receiver)

    @property
    def is_connected(self) -> bool:
        """Whether the gateway's connection is open now."""
        ws = self._client.ws
        return ws is not None and ws.open and self._client.is_ready()

    async def ready(self) -> None:
        """Wait until events arrive."""
        await self._client.wait_until_ready()

    def length(self, text: str) -> int:
        # Discord's limits never count more, whichever unit they use.
        return utf16_length(text)

    async def post(self, place: str, draft: Draft, key: str) -> str:
        """Post a message. In an archived thread this reopens the thread."""
        async with translate_errors(self._client):
            # discord.py sets enforce_nonce: Discord then returns the first message for its nonce.
            message = await self._partial(place).send(nonce=key, **payloads.send_arguments(draft))
        return str(message.id)

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        message = self._partial(place).get_partial_message(int(message_id))
        try:
            # Messages in an archived thread cannot be edited, but a new message reopens it.
            async with translate_errors(self._client, {ARCHIVED: TooOld}):
                await message.edit(**payloads.edit_arguments(draft))
        except Busy as busy:
            # Discord allows few edits of old messages. Where it answers with a long wait,
            # discord.py does not say which limit caused it.
            if busy.retry_after_s is None or _age_s(message) < OLD_S:
                raise
            raise TooOld from busy

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """Open a thread on the message, or on a new message with the title if `message_id` is "".
        In a forum, open a post; if Discord's reply is lost, a second try opens a second post."""
        channel = await self._channel(place)
        name = shorten(title.strip(), payloads.TITLE_CHARACTERS)
        if isinstance(channel, discord.ForumChannel):
            return await self._open_post(channel, name)
        if not isinstance(channel, discord.TextChannel):
            raise Refused("no threads here")
        if not message_id:
            message_id = await self.post(place, Draft((self.style.text(name),)), key)
        # The thread has the message's id, also if somebody else or an earlier try opened it.
        async with translate_errors(self._client, {MISSING_PERMISSIONS: Refused}):
            try:
                await channel.create_thread(name=name, message=discord.Object(int(message_id)))
            except discord.HTTPException as error:
                if error.code != THREAD_EXISTS:
                    raise
        return message_id

    async def rename_thread(self, thread: str, title: str) -> None:
        """Rename a thread. Discord allows two renames in ten minutes; a third one is dropped."""
        channel = await self._channel(thread)
        name = shorten(title.strip(), payloads.TITLE_CHARACTERS)
        if not isinstance(channel, discord.Thread) or channel.name == name:
            return
        try:
            async with translate_errors(
                self._client, {ARCHIVED: Refused, MISSING_PERMISSIONS: Refused}
            ):
                await channel.edit(name=name)
        except Refused as error:
            log.info("Thread not renamed: %s", error)
        except Busy as busy:
            if busy.retry_after_s is None:
                raise
            log.info("Thread not renamed: rate limited for %s s", busy.retry_after_s)

    def message_url(self, where: Where, message_id: str) -> str:
        server = where.server or "@me"
        return f"https://discord.com/channels/{server}/{where.place}/{message_id}"

    async def show_typing(self, place: str) -> None:
        async with translate_errors(self._client):
            await self._partial(place).typing()

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        """Return False: Discord has no previews."""
        return False

    async def download(self, upload: Upload, target: Path) -> None:
        raise Refused("files are not accepted here")

    async def _open_post(self, forum: discord.ForumChannel, name: str) -> str:
        text = self.style.text(name)
        async with translate_errors(self._client, {MISSING_PERMISSIONS: Refused}):
            made = await forum.create_thread(
                name=name, content=text, allowed_mentions=payloads.NO_MENTIONS
            )
        return str(made.thread.id)

    def _partial(self, place: str) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(int(place))

    async def _channel(self, place: str) -> Any:
        """Return the channel from the gateway's cache, or fetch it."""
        known = self._client.get_channel(int(place))
        async with translate_errors(self._client):
            return known or await self._client.fetch_channel(int(place))


def _age_s(message: discord.PartialMessage) -> float:
    """Compute the message's age from its id."""
    return (discord.utils.utcnow() - message.created_at).total_seconds()
