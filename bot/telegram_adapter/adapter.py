"""The `Chat` port on Telegram. A place is a chat or a forum topic: see place_ids.py."""

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

from bot.chat import Busy, ChatError, Draft, PlaceClosed, Refused, TooOld, Upload, Where
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
"""Minimum time between two previews in one chat."""
DOWNLOAD_TIMEOUT_S = 55.0
PREVIEW_TIMEOUT_S = 5.0
FILE_TIMEOUT_S = 25.0
"""For a file below its text: both together must stay within the minute that `Chat` allows."""
MAX_NAMES = 1000
_SUPERGROUP = "-100"
"""What the ids of supergroups and channels begin with."""

T = TypeVar("T")


class Telegram:
    """`Chat` for one bot; create it with `open_telegram`.

    Groups raise Busy more often than `edit_interval_s` suggests: Telegram allows 20 messages and
    edits a minute in a group, and `rate_limits` spreads them over the minute."""

    name = "telegram"
    deduplicates = False
    localised_commands = False
    edit_interval_s = 1.1
    text_limit = payloads.TEXT_UNITS - payloads.QUESTIONS_UNITS
    """Reserves room for long questions: a button shows only their beginning, so the text repeats
    them."""
    card_limit = text_limit - payloads.TITLE_UNITS - 40
    """The card's title is the first line. Its bold and its link take two entities."""
    style = TelegramHtml()

    def __init__(self, bot: Bot, bot_user: User, migrations: GroupMigrations) -> None:
        self.bot = bot  # borrowed
        self.bot_user = bot_user
        """The bot's own user."""
        self.is_connected = False
        """Whether Telegram answered the last poll, or knows the webhook. serve.py sets it."""
        self.migrations = migrations
        self.rate_limits = RateLimits()
        self.members = Members(bot, bot_user)
        self._names: dict[str, str] = {}
        self._previewed_at: dict[int, float] = {}
        self._preview_blocks = RateLimits()

    def length(self, text: str) -> int:
        return length(text)

    async def post(self, place: str, draft: Draft, key: str) -> str:
        at = read_place(place)
        if draft.reply_to and _chat_in(draft.reply_to) != self.migrations.current_id(at.chat):
            draft = replace(draft, reply_to="")  # a migrated group has new message ids
        if draft.file and payloads.fits_caption(draft):
            arguments = payloads.document_arguments(draft)
            message = await self._send(at, self.bot.send_document, arguments, "caption")
        else:
            message = await self._send(
                at, self.bot.send_message, payloads.send_arguments(draft), "text"
            )
        posted = message_id(message.chat_id, message.message_id)
        if draft.file and not payloads.fits_caption(draft):
            await self._add_file(at, Draft((), file=draft.file, reply_to=posted))
        return posted

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        """Edit a text message. Raises TooOld for a draft with a file: Telegram cannot turn a text
        message into a file or a file into a text message."""
        arguments = payloads.edit_arguments(draft)
        at, number = read_place(place), number_in(message_id)
        if draft.file:
            raise TooOld("a file cannot be added")

        async def change(chat: int) -> None:
            if chat != _chat_in(message_id):
                raise TooOld("the group became a supergroup")
            try:
                await self._send_readable(
                    self.bot.edit_message_text, arguments, "text", chat_id=chat, message_id=number
                )
            except BadRequest as error:
                if not says(error, NOT_MODIFIED):
                    raise

        await self._call(at.chat, change, "edit")

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """Open a forum topic; a private chat is its own thread. Raises Refused where the group has
        no topics or the bot may not manage them.

        A topic is not attached to a message. If Telegram's reply is lost, a second try opens a
        second topic."""
        at = read_place(place)
        if not at.is_group:
            return place
        may_open = await self._call(at.chat, self.members.may_open_topics)
        if not may_open:
            raise Refused("no topics here")
        name = shorten(title.strip(), ForumTopicLimit.MAX_NAME_LENGTH, utf16_length)
        topic = await self._call(
            at.chat, lambda chat: self.bot.create_forum_topic(chat, name), "post"
        )
        thread = str(Place(self.migrations.original_id(at.chat), topic.message_thread_id))
        self._remember_name(thread, name)
        return thread

    async def rename_thread(self, thread: str, title: str) -> None:
        """Rename a topic. A topic that the bot may no longer manage keeps its name."""
        at = read_place(thread)
        name = shorten(title.strip(), ForumTopicLimit.MAX_NAME_LENGTH, utf16_length)
        if at.topic is None or self._names.get(thread) == name:
            return
        try:
            await self._call(
                at.chat, lambda chat: self.bot.edit_forum_topic(chat, at.topic or 0, name)
            )
            self._remember_name(thread, name)
        except (Refused, PlaceClosed) as error:
            log.info("Topic not renamed: %s", error)

    def message_url(self, where: Where, message_id: str) -> str:
        """Telegram has addresses only for messages of supergroups and channels."""
        internal = str(_chat_in(message_id))
        if not internal.startswith(_SUPERGROUP):
            return ""
        return f"https://t.me/c/{internal.removeprefix(_SUPERGROUP)}/{number_in(message_id)}"

    async def show_typing(self, place: str) -> None:
        at, typing = read_place(place), ChatAction.TYPING
        await self._call(
            at.chat,
            lambda chat: self.bot.send_chat_action(chat, typing, message_thread_id=at.topic),
        )

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        """Show an unfinished answer. Works in private chats only, for drafts of text alone."""
        at, now = read_place(place), asyncio.get_running_loop().time()
        if at.is_group or draft.buttons or draft.file:
            return False
        if self.rate_limits.blocked_s(at.chat) or self._preview_blocks.blocked_s(at.chat):
            return False
        if now < self._previewed_at.get(at.chat, -PREVIEW_INTERVAL_S) + PREVIEW_INTERVAL_S:
            return True  # skipped: the next preview follows soon
        self._previewed_at = {
            c: s for c, s in self._previewed_at.items() if s + PREVIEW_INTERVAL_S > now
        }
        self._previewed_at[at.chat] = now
        arguments = {"text": payloads.html(draft), "parse_mode": "HTML", "draft_id": _draft_id(key)}
        try:
            async with asyncio.timeout(PREVIEW_TIMEOUT_S), translate_errors():
                where = {"chat_id": at.chat, "message_thread_id": at.topic}
                await self._send_readable(self.bot.send_message_draft, arguments, "text", **where)
        except (ChatError, TimeoutError) as error:
            log.info("Preview not shown: %s", error)
            if isinstance(error, Busy) and error.retry_after_s is not None:
                self._preview_blocks.block(at.chat, error.retry_after_s)
            return False
        return True

    async def download(self, upload: Upload, target: Path) -> None:
        async with translate_errors(DOWNLOAD_TIMEOUT_S):
            file = await self.bot.get_file(upload.id)
            try:
                await file.download_to_drive(target, read_timeout=DOWNLOAD_TIMEOUT_S)
            except InvalidToken as error:  # a file that is gone: getFile accepted the token
                raise Refused("no such file") from error

    async def _send(self, at: Place, send: Any, arguments: dict[str, Any], field: str) -> Message:
        async def post(chat: int) -> Message:
            where = {"chat_id": chat, "message_thread_id": at.topic}
            sent: Message = await self._send_readable(send, arguments, field, **where)
            return sent

        return await self._call(at.chat, post, "post")

    async def _add_file(self, at: Place, draft: Draft) -> None:
        """Post a file below its text. A failure is only logged: a retry would repeat the text."""
        try:
            async with asyncio.timeout(FILE_TIMEOUT_S):
                await self._send_file(at, payloads.document_arguments(draft))
        except (ChatError, TimeoutError) as error:
            log.error("File not sent: %s", loggable(error))

    async def _send_file(self, at: Place, arguments: dict[str, Any]) -> None:
        """Wait as long as Telegram asks for, however often. Raises Busy if it names no time."""
        while True:
            try:
                await self._send(at, self.bot.send_document, arguments, "caption")
                return
            except Busy as busy:
                if busy.retry_after_s is None:
                    raise
                await asyncio.sleep(busy.retry_after_s)

    async def _send_readable(
        self, send: Any, arguments: dict[str, Any], field: str, **where: Any
    ) -> Any:
        """Send as HTML; if Telegram cannot parse it, send as plain text."""
        try:
            return await send(**arguments, **where)
        except BadRequest as error:
            if field not in arguments or not says(error, NOT_PARSED):
                raise
            log.error("Telegram cannot parse the HTML, sending plain text: %s", error)
            await asyncio.sleep(self.rate_limits.chat_s)
            return await send(**payloads.as_plain_text(arguments, field), **where)

    async def _call(
        self,
        chat: int,
        call: Callable[[int], Awaitable[T]],
        counts_as: Literal["post", "edit", ""] = "",
    ) -> T:
        """Call Telegram with the chat's current id, following a migration. `counts_as`: the rate
        limit that the call counts against. Raises Busy where a limit is reached."""
        chat = self.migrations.current_id(chat)
        if counts_as and (wait_s := self.rate_limits.reserve(chat, is_edit=counts_as == "edit")):
            raise Busy(wait_s, edits_only=counts_as == "edit")
        if wait_s := self.rate_limits.blocked_s(chat):
            raise Busy(wait_s)
        try:
            async with translate_errors():
                done = await call(chat)
        except ChatMigrated as moved:
            self.migrations.record(chat, moved.new_chat_id)
            async with translate_errors():
                return await call(moved.new_chat_id)
        except Busy as busy:
            if busy.retry_after_s is not None:
                self.rate_limits.block(chat, busy.retry_after_s)
            raise
        if counts_as:
            self.rate_limits.record_completion(chat)
        return done

    def _remember_name(self, thread: str, name: str) -> None:
        while len(self._names) >= MAX_NAMES:
            del self._names[next(iter(self._names))]
        self._names[thread] = name


def _chat_in(message_id: str) -> int:
    return int(message_id.rpartition(":")[0])


def _draft_id(key: str) -> int:
    """Derive Telegram's id of a message draft, which must not be 0."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % (2**31 - 1) + 1
