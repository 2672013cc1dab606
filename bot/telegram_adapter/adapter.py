"""This file fulfils `Chat` on Telegram. A place is a chat or a topic: see places.py."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from telegram import Bot, Message, User
from telegram.constants import ChatAction, ForumTopicLimit
from telegram.error import BadRequest, ChatMigrated, InvalidToken

from bot.chat import Busy, ChatError, Draft, PlaceClosed, Refused, TooOld, Upload
from bot.telegram_adapter import payloads
from bot.telegram_adapter.errors import NOT_MODIFIED, NOT_PARSED, loggable, says, translate_errors
from bot.telegram_adapter.group_migrations import GroupMigrations
from bot.telegram_adapter.html import TelegramHtml, length
from bot.telegram_adapter.members import Members
from bot.telegram_adapter.place_ids import Place, message_id, number_in, read_place
from bot.telegram_adapter.rate_limits import RateLimits
from core.text.display import shorten, utf16_length

log = logging.getLogger(__name__)

PREVIEW_INTERVAL_S = 0.7
"""The least time between two previews in one chat."""
DOWNLOAD_S = 55.0
PATIENCE_S = 5.0
FILE_S = 25.0
"""So long a file that belongs to a text may take, which itself may have taken as long."""
NAMES = 1000

T = TypeVar("T")


class Telegram:
    """Use open_telegram. In a group a call is Busy more often than the port asks for: Telegram
    allows it twenty messages and edits a minute, which `pace` spreads over the minute."""

    name = "telegram"
    deduplicates = False
    localised_commands = False
    edit_interval_s = 1.1
    text_limit = payloads.TEXT_UNITS - payloads.QUESTIONS_UNITS
    """Long questions stand below the text as well: a button shows but their beginning."""
    card_limit = text_limit - payloads.TITLE_UNITS - 40
    """A card's title is the first line, and takes two of the entities."""
    style = TelegramHtml()

    def __init__(self, bot: Bot, us: User, migrations: GroupMigrations) -> None:
        self.bot = bot  # borrowed
        self.us = us
        """As Telegram describes it."""
        self.migrations = migrations
        self.rate_limits = RateLimits()
        self.members = Members(bot, us)
        self._names: dict[str, str] = {}
        self._previewed_at: dict[int, float] = {}
        self._preview_blocks = RateLimits()

    def length(self, text: str) -> int:
        return length(text)

    async def post(self, place: str, draft: Draft, key: str) -> str:
        at = read_place(place)
        if draft.reply_to and _chat_in(draft.reply_to) != self.migrations.current_id(at.chat):
            draft = replace(draft, reply_to="")  # the group moved, and its messages did not
        if draft.file and payloads.fits_caption(draft):
            shown = payloads.document_arguments(draft)
            message = await self._send(at, self.bot.send_document, shown, "caption")
        else:
            message = await self._send(
                at, self.bot.send_message, payloads.send_arguments(draft), "text"
            )
        made = message_id(message.chat_id, message.message_id)
        if draft.file and not payloads.fits_caption(draft):
            await self._add_file(at, Draft((), file=draft.file, reply_to=made))
        return made

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        """A message with a file cannot be made of one without, nor the other way round."""
        shown = payloads.edit_arguments(draft)
        at, number = read_place(place), number_in(message_id)
        if draft.file:
            raise TooOld("a file cannot be added")

        async def change(chat: int) -> None:
            if chat != _chat_in(message_id):
                raise TooOld("the group became a supergroup")
            try:
                await self._readable(
                    self.bot.edit_message_text, shown, "text", chat_id=chat, message_id=number
                )
            except BadRequest as error:
                if not says(error, NOT_MODIFIED):
                    raise

        await self._call(at.chat, change, "edit")

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """A topic, where the group has them and we may manage them; in private the chat itself.
        Nothing hangs on a message, and it may stand there twice if Telegram's answer is lost."""
        at = read_place(place)
        if not at.is_group:
            return place
        may = await self._call(at.chat, self.members.may_open_topics)
        if not may:
            raise Refused("no topics here")
        name = shorten(title.strip(), ForumTopicLimit.MAX_NAME_LENGTH, utf16_length)
        made = await self._call(
            at.chat, lambda chat: self.bot.create_forum_topic(chat, name), "post"
        )
        thread = str(Place(self.migrations.original_id(at.chat), made.message_thread_id))
        self._remember(thread, name)
        return thread

    async def rename_thread(self, thread: str, title: str) -> None:
        """A topic that is not ours any more keeps its name."""
        at, name = (
            read_place(thread),
            shorten(title.strip(), ForumTopicLimit.MAX_NAME_LENGTH, utf16_length),
        )
        if at.topic is None or self._names.get(thread) == name:
            return
        try:
            await self._call(
                at.chat, lambda chat: self.bot.edit_forum_topic(chat, at.topic or 0, name)
            )
            self._remember(thread, name)
        except (Refused, PlaceClosed) as error:
            log.info("a topic keeps its name: %s", error)

    async def show_typing(self, place: str) -> None:
        at, typing = read_place(place), ChatAction.TYPING
        await self._call(
            at.chat,
            lambda chat: self.bot.send_chat_action(chat, typing, message_thread_id=at.topic),
        )

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        """In private chats alone, where the draft is whole at any time: it is no message."""
        at, now = read_place(place), asyncio.get_running_loop().time()
        if at.is_group or draft.buttons or draft.file:
            return False
        if self.rate_limits.blocked_s(at.chat) or self._preview_blocks.blocked_s(at.chat):
            return False
        if now < self._previewed_at.get(at.chat, -PREVIEW_INTERVAL_S) + PREVIEW_INTERVAL_S:
            return True  # the next one comes soon
        self._previewed_at = {
            c: s for c, s in self._previewed_at.items() if s + PREVIEW_INTERVAL_S > now
        }
        self._previewed_at[at.chat] = now
        shown = {"text": payloads.html(draft), "parse_mode": "HTML", "draft_id": _number(key)}
        try:
            async with asyncio.timeout(PATIENCE_S), translate_errors():
                where = {"chat_id": at.chat, "message_thread_id": at.topic}
                await self._readable(self.bot.send_message_draft, shown, "text", **where)
        except (ChatError, TimeoutError) as error:
            log.info("not sketched: %s", error)
            if isinstance(error, Busy) and error.retry_after_s is not None:
                self._preview_blocks.block(at.chat, error.retry_after_s)
            return False
        return True

    async def download(self, upload: Upload, target: Path) -> None:
        async with translate_errors(DOWNLOAD_S):
            file = await self.bot.get_file(upload.id)
            try:
                await file.download_to_drive(target, read_timeout=DOWNLOAD_S)
            except InvalidToken as error:  # for a token that it knew a moment ago
                raise Refused("no such file") from error

    async def _send(self, at: Place, send: Any, shown: dict[str, Any], field: str) -> Message:
        async def post(chat: int) -> Message:
            where = {"chat_id": chat, "message_thread_id": at.topic}
            sent: Message = await self._readable(send, shown, field, **where)
            return sent

        return await self._call(at.chat, post, "post")

    async def _add_file(self, at: Place, draft: Draft) -> None:
        """The text above it is seen already, so it is not worth a second one if this fails."""
        try:
            async with asyncio.timeout(FILE_S):
                await self._send_file(at, payloads.document_arguments(draft))
        except (ChatError, TimeoutError) as error:
            log.error("a file was not sent: %s", loggable(error))

    async def _send_file(self, at: Place, shown: dict[str, Any]) -> None:
        """As soon as it may be."""
        while True:
            try:
                await self._send(at, self.bot.send_document, shown, "caption")
                return
            except Busy as busy:
                if busy.retry_after_s is None:
                    raise
                await asyncio.sleep(busy.retry_after_s)

    async def _readable(self, send: Any, shown: dict[str, Any], field: str, **where: Any) -> Any:
        """As HTML, else, where Telegram cannot read it, as plain text."""
        try:
            return await send(**shown, **where)
        except BadRequest as error:
            if field not in shown or not says(error, NOT_PARSED):
                raise
            log.error("Telegram cannot read our markup: %s", error)
            await asyncio.sleep(self.rate_limits.chat_s)
            return await send(**payloads.as_plain_text(shown, field), **where)

    async def _call(
        self,
        chat: int,
        do: Callable[[int], Awaitable[T]],
        counts: Literal["post", "edit", ""] = "",
    ) -> T:
        """In the chat, wherever it has moved to, and when it is its turn if it `counts`."""
        chat = self.migrations.current_id(chat)
        if counts and (wait_s := self.rate_limits.wait_s(chat, is_edit=counts == "edit")):
            raise Busy(wait_s, edits_only=counts == "edit")
        if wait_s := self.rate_limits.blocked_s(chat):
            raise Busy(wait_s)
        try:
            async with translate_errors():
                done = await do(chat)
        except ChatMigrated as moved:
            self.migrations.record(chat, moved.new_chat_id)
            async with translate_errors():
                return await do(moved.new_chat_id)
        except Busy as busy:
            if busy.retry_after_s is not None:
                self.rate_limits.block(chat, busy.retry_after_s)
            raise
        if counts:
            self.rate_limits.record_completion(chat)
        return done

    def _remember(self, thread: str, name: str) -> None:
        while len(self._names) >= NAMES:
            del self._names[next(iter(self._names))]
        self._names[thread] = name


def _chat_in(message_id: str) -> int:
    return int(message_id.rpartition(":")[0])


def _number(key: str) -> int:
    """What Telegram knows a draft by: not 0."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % (2**31 - 1) + 1
