"""Pass Telegram's events to the Receiver, and its replies to commands and buttons back.

In a Telegram group nothing is visible to one person alone, except a short alert after they press a
button.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from telegram import CallbackQuery, ChatMemberUpdated, Message, Update
from telegram.constants import CallbackQueryLimit, ChatMemberStatus, ChatType
from telegram.error import RetryAfter

from bot.chat import Busy, ChatError, Command, Draft, Person, Press, Receiver
from bot.handlers.error_boundary import error_boundary
from bot.telegram_adapter import command_parsing, event_values, payloads
from bot.telegram_adapter.adapter import Telegram
from bot.telegram_adapter.errors import (
    CALL_TIMEOUT_S,
    FAILURES,
    OLD_QUERY,
    loggable,
    retry_after_s,
    says,
)
from bot.telegram_adapter.html import visible_text
from bot.telegram_adapter.place_ids import message_id
from core.text.display import utf16_length

log = logging.getLogger(__name__)

ACKNOWLEDGE_TIMEOUT_S = 5.0
"""How long a pressed button may wait for its alert."""
REPLY_TIMEOUT_S = 600.0
"""Telegram's rate limits can take minutes, and nobody is notified of a reply that is dropped."""


class EventListener:
    """Passes updates to one receiver. `allowed`: the chats to serve; all if empty."""

    def __init__(self, telegram: Telegram, receiver: Receiver, allowed: Collection[int]) -> None:
        self._telegram = telegram  # borrowed
        self._receiver = receiver
        self._allowed = allowed

    async def on_update(self, update: Mapping[str, Any]) -> None:
        """Handle one update, given as Telegram's JSON. Raises nothing."""
        with error_boundary():
            parsed = Update.de_json(dict(update), self._telegram.bot)
            if parsed.message and self._is_allowed(parsed.message.chat.id):
                await self._message(parsed.message)
            elif parsed.callback_query:
                await self._press(parsed.callback_query)
            elif parsed.my_chat_member:
                await self._membership(parsed.my_chat_member)

    async def _membership(self, change: ChatMemberUpdated) -> None:
        """The bot was added or removed, or in a private chat blocked. A group that has become a
        supergroup goes on under its new id."""
        migrations, chat = self._telegram.migrations, change.chat.id
        server = str(migrations.original_id(chat))
        if change.new_chat_member.status not in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED):
            await self._receiver.joined(server)
        elif migrations.current_id(chat) == chat:
            await self._receiver.removed(server, [server])

    def _is_allowed(self, chat: int) -> bool:
        ids = {chat, self._telegram.migrations.original_id(chat)}
        if self._allowed and ids.isdisjoint(self._allowed):
            about = {"channel": str(chat)}
            log.info("Chat %s is not in telegram.allowed_chats", chat, extra=about)
            return False
        return True

    async def _message(self, message: Message) -> None:
        migrations = self._telegram.migrations
        if message.migrate_to_chat_id:
            migrations.record(message.chat.id, message.migrate_to_chat_id)
        if message.migrate_from_chat_id:
            migrations.record(message.migrate_from_chat_id, message.chat.id)
        if not event_values.is_from_a_person(message):
            return
        command = command_parsing.read_command(message, self._telegram.bot_user)
        if command == ("", ""):
            return
        if command is None and not _has_content(message):
            return
        author = await self._author(message)
        if command:
            await self._command(message, author, *command)
        else:
            bot_user = self._telegram.bot_user
            await self._receiver.message(
                event_values.read_message(message, bot_user, migrations, author)
            )

    async def _command(self, message: Message, author: Person, name: str, text: str) -> None:
        topic, replied = event_values.topic(message), event_values.replied_to(message)
        about = replied or (message if event_values.upload(message) else None)
        where = event_values.where(message.chat, topic, self._telegram.migrations)
        own_id = message_id(message.chat.id, message.message_id)
        command = Command(
            where,
            own_id,
            author,
            name,
            command_parsing.read_options(name, text, may_concern_one_video=bool(topic or replied)),
            message_id=message_id(message.chat.id, about.message_id) if about else "",
            text=event_values.text_of(about) if about else "",
            file=event_values.upload(about) if about else None,
        )
        if draft := await self._receiver.command(command):
            await self._reply(where.place, replace(draft, reply_to=own_id))

    async def _press(self, query: CallbackQuery) -> None:
        message, button_id = query.message, payloads.read_button_id(query.data or "")
        if message is None or not button_id or not self._is_allowed(message.chat.id):
            await self._answer(query)
            return
        topic = event_values.topic(message) if isinstance(message, Message) else None
        where = event_values.where(message.chat, topic, self._telegram.migrations)
        own_id = message_id(message.chat.id, message.message_id)
        is_moderator = await self._is_moderator(
            message.chat.id, message.chat.type, query.from_user.id
        )
        author = event_values.person(query.from_user, is_moderator=is_moderator)
        work = asyncio.create_task(
            self._receiver.press(Press(where, query.id, own_id, author, button_id))
        )
        await asyncio.wait([work], timeout=ACKNOWLEDGE_TIMEOUT_S)
        alert = _alert_text(work.result()) if work.done() else ""
        is_shown = await self._answer(query, alert)
        draft = await work
        if draft and not (alert and is_shown):
            await self._reply(where.place, replace(draft, reply_to=own_id))

    async def _answer(self, query: CallbackQuery, alert: str = "") -> bool:
        """Answer a press, which otherwise looks stuck. Return whether the alert was shown."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                while True:
                    try:
                        return await query.answer(alert or None, show_alert=bool(alert) or None)
                    except RetryAfter as error:
                        await asyncio.sleep(retry_after_s(error))
        except FAILURES as error:
            if not says(error, OLD_QUERY):
                log.warning("Button press not answered: %s", loggable(error))
            return False

    async def _reply(self, place: str, draft: Draft) -> None:
        """Post a reply. No queue repeats it, so it is retried here for REPLY_TIMEOUT_S."""
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                while True:
                    try:
                        await self._telegram.post(place, draft, "")
                        return
                    except Busy as busy:
                        await asyncio.sleep(busy.retry_after_s or 1.0)
        except (ChatError, TimeoutError) as error:
            log.warning("Reply not sent: %s", loggable(error))

    async def _author(self, message: Message) -> Person:
        user, chat = message.from_user, message.chat
        if user is None or message.sender_chat is not None:
            return event_values.author(message, is_moderator=False)
        is_moderator = await self._is_moderator(chat.id, chat.type, user.id)
        return event_values.author(message, is_moderator=is_moderator)

    async def _is_moderator(self, chat: int, kind: str, person: int) -> bool:
        """Everybody moderates their private chat. If Telegram does not answer, nobody does."""
        if kind == ChatType.PRIVATE:
            return True
        with suppress(*FAILURES):
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await self._telegram.members.is_moderator(chat, person)
        return False


def _has_content(message: Message) -> bool:
    """Skip service messages, pictures and polls. Accept any file in a private chat: its sender
    expects an answer even if the bot cannot use it."""
    is_private_file = message.document and message.chat.type == ChatType.PRIVATE
    return bool(message.text or message.caption or event_values.upload(message) or is_private_file)


def _alert_text(draft: Draft | None) -> str:
    """Return the draft as an alert's text, "" if an alert cannot show it."""
    if draft is None or draft.file or draft.card or draft.buttons:
        return ""
    text = visible_text(draft.text)
    fits = utf16_length(text) <= CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH
    return text if fits else ""
