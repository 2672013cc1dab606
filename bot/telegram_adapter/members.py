"""This file asks Telegram who may do what in a group, and believes the answer for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from telegram import Bot, ChatMember, ChatMemberAdministrator, User
from telegram.error import RetryAfter

from bot.telegram_adapter.errors import retry_after_s

KEPT_S = 60.0
MOST = 10_000


class Members:
    """Raises what python-telegram-bot raises."""

    def __init__(self, bot: Bot, us: User) -> None:
        self._bot = bot  # borrowed
        self._us = us
        self._known: dict[tuple[str, int, int], tuple[float, bool]] = {}
        self._not_before: dict[int, float] = {}
        """Until when Telegram does not want to be asked about a chat."""

    async def is_moderator(self, chat: int, person: int) -> bool:
        """Whether they administer the group."""

        async def ask() -> bool:
            member = await self._bot.get_chat_member(chat, person)
            return member.status in (ChatMember.OWNER, ChatMember.ADMINISTRATOR)

        return await self._asked(("moderator", chat, person), ask)

    async def may_open_topics(self, chat: int) -> bool:
        async def ask() -> bool:
            if not (await self._bot.get_chat(chat)).is_forum:
                return False
            us = await self._bot.get_chat_member(chat, self._us.id)
            return isinstance(us, ChatMemberAdministrator) and bool(us.can_manage_topics)

        return await self._asked(("topics", chat, 0), ask)

    async def _asked(self, key: tuple[str, int, int], ask: Callable[[], Awaitable[bool]]) -> bool:
        now = asyncio.get_running_loop().time()
        until, known = self._known.get(key, (0.0, False))
        if now < until:
            return known
        if len(self._known) >= MOST:
            self._known.clear()
            self._not_before.clear()
        chat = key[1]
        if (left_s := self._not_before.get(chat, now) - now) > 0:
            raise RetryAfter(timedelta(seconds=left_s))
        try:
            answer = await ask()
        except RetryAfter as error:
            self._not_before[chat] = now + retry_after_s(error)
            raise
        self._known[key] = (now + KEPT_S, answer)
        return answer
