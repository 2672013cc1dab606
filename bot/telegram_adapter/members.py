"""Query who may do what in a group, cached for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from telegram import Bot, ChatMember, ChatMemberAdministrator, User
from telegram.error import RetryAfter

from bot.telegram_adapter.errors import retry_after_s

CACHE_S = 60.0
MAX_CACHED = 10_000


class Members:
    """Permissions in groups. Raises python-telegram-bot's errors."""

    def __init__(self, bot: Bot, bot_user: User) -> None:
        self._bot = bot  # borrowed
        self._bot_user = bot_user
        self._cache: dict[tuple[str, int, int], tuple[float, bool]] = {}
        self._not_before: dict[int, float] = {}
        """Per chat: when a rate limit ends, on the loop's clock."""

    async def is_moderator(self, chat: int, person: int) -> bool:
        """Return whether the person administers the group."""

        async def ask() -> bool:
            member = await self._bot.get_chat_member(chat, person)
            return member.status in (ChatMember.OWNER, ChatMember.ADMINISTRATOR)

        return await self._cached(("moderator", chat, person), ask)

    async def may_open_topics(self, chat: int) -> bool:
        """Return whether the group has topics and the bot may manage them."""

        async def ask() -> bool:
            if not (await self._bot.get_chat(chat)).is_forum:
                return False
            member = await self._bot.get_chat_member(chat, self._bot_user.id)
            return isinstance(member, ChatMemberAdministrator) and bool(member.can_manage_topics)

        return await self._cached(("topics", chat, 0), ask)

    async def _cached(self, key: tuple[str, int, int], ask: Callable[[], Awaitable[bool]]) -> bool:
        now = asyncio.get_running_loop().time()
        until, known = self._cache.get(key, (0.0, False))
        if now < until:
            return known
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
            self._not_before.clear()
        chat = key[1]
        if (left_s := self._not_before.get(chat, now) - now) > 0:
            raise RetryAfter(timedelta(seconds=left_s))
        try:
            answer = await ask()
        except RetryAfter as error:
            self._not_before[chat] = now + retry_after_s(error)
            raise
        self._cache[key] = (now + CACHE_S, answer)
        return answer
