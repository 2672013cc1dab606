"""This file fulfils `Chat` on Discord. A place is the id of a channel or a thread."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import discord

from bot.chat import Busy, Draft, Receiver, Refused, TooOld, Upload
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


class Discord:
    """Use open_discord."""

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
        """People are heard until this is cancelled. Raises ConfigInvalid where Discord will not
        have us any more."""
        await self._gateway.serve(receiver)

    async def ready(self) -> None:
        """Waits until people are heard."""
        await self._client.wait_until_ready()

    def length(self, text: str) -> int:
        # Discord's limits never count more, whichever unit they use.
        return utf16_length(text)

    async def post(self, place: str, draft: Draft, key: str) -> str:
        """Into an archived thread as well: it opens by that."""
        async with translate_errors(self._client):
            # discord.py adds enforce_nonce: of two messages with one nonce the second is the first.
            message = await self._partial(place).send(nonce=key, **payloads.send_arguments(draft))
        return str(message.id)

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        message = self._partial(place).get_partial_message(int(message_id))
        try:
            # Nothing in an archived thread can be changed, but a new message opens it.
            async with translate_errors(self._client, {ARCHIVED: TooOld}):
                await message.edit(**payloads.edit_arguments(draft))
        except Busy as busy:
            # Discord lets few edits of old messages pass; where it says so with a long wait,
            # discord.py does not tell for which limit.
            if busy.retry_after_s is None or _age_s(message) < OLD_S:
                raise
            raise TooOld from busy

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """On the message, or, with "", on one of our own that says the title; in a forum a post,
        which may stand there twice if Discord's answer is lost."""
        channel = await self._channel(place)
        name = shorten(title.strip(), payloads.TITLE_CHARACTERS)
        if isinstance(channel, discord.ForumChannel):
            return await self._open_post(channel, name)
        if not isinstance(channel, discord.TextChannel):
            raise Refused("no threads here")
        if not message_id:
            message_id = await self.post(place, Draft((self.style.text(name),)), key)
        # It has the message's id, also if somebody, or a try whose answer was lost, was before us.
        async with translate_errors(self._client, {MISSING_PERMISSIONS: Refused}):
            try:
                await channel.create_thread(name=name, message=discord.Object(int(message_id)))
            except discord.HTTPException as error:
                if error.code != THREAD_EXISTS:
                    raise
        return message_id

    async def rename_thread(self, thread: str, title: str) -> None:
        """Discord allows two names in ten minutes: a third is not worth a wait."""
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
            log.info("a thread keeps its name: %s", error)
        except Busy as busy:
            if busy.retry_after_s is None:
                raise
            log.info("a thread keeps its name for %s s, and so for good", busy.retry_after_s)

    async def show_typing(self, place: str) -> None:
        async with translate_errors(self._client):
            await self._partial(place).typing()

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        """Discord shows nothing but messages."""
        return False

    async def download(self, upload: Upload, target: Path) -> None:
        raise Refused("files are not taken in here")

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
        """Known from the gateway, or asked for."""
        known = self._client.get_channel(int(place))
        async with translate_errors(self._client):
            return known or await self._client.fetch_channel(int(place))


def _age_s(message: discord.PartialMessage) -> float:
    """Its id tells when it was made."""
    return (discord.utils.utcnow() - message.created_at).total_seconds()
