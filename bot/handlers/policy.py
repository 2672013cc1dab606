"""This file tells what people may do where, how often a day, and in which language we speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Literal

from bot.chat import Person, Where
from bot.handlers.context import HandlerContext
from core.chat_records import ChatSettings, Quota

Deed = Literal["watch", "ask", "forget", "set"]

BY_DEFAULT = ChatSettings(
    links=True, mention_only=False, watch="everyone", ask="everyone", forget="moderators"
)


class Policy:
    """One platform's."""

    def __init__(self, context: HandlerContext) -> None:
        self._context = context

    async def habits(self, where: Where) -> ChatSettings:
        """The channel's, else the server's, else ours."""
        widest_last = [where.channel, *([where.server] if where.server else [])]
        found = [await self._context.settings.get(scope) for scope in widest_last]
        return merged([*found, BY_DEFAULT])

    async def set(self, scope: str, wanted: ChatSettings, *, afresh: bool = False) -> None:
        """What is not wanted stays as it is, or, `afresh`, is again as the wider scope has it."""
        before = ChatSettings() if afresh else await self._context.settings.get(scope)
        await self._context.settings.save(scope, merged([wanted, before]))

    async def language(self, where: Where, person: Person) -> str:
        """In which everybody is spoken to there: the one that is set, else ours. In private that is
        the person's own, if we speak it."""
        chosen = (await self.habits(where)).language
        own = "" if where.server else self._own(person)
        return chosen or own or self._context.config.language

    async def private_language(self, where: Where, person: Person) -> str:
        """In which one person among others is: their own, if we speak it."""
        own = self._own(person) if where.server else ""
        return own or await self.language(where, person)

    def _own(self, person: Person) -> str:
        own = person.language.split("-")[0]
        return own if own in self._context.words else ""

    async def may(self, person: Person, deed: Deed, where: Where) -> bool:
        """As it is now, not as it was when a button was drawn. In private one may do all."""
        if person.is_moderator or not where.server:
            return True
        habits = await self.habits(where)
        who = {"watch": habits.watch, "ask": habits.ask, "forget": habits.forget}
        return who.get(deed) == "everyone"

    async def take(
        self, person: Person, deed: Literal["watch", "ask"], where: Where
    ) -> tuple[Quota | None, bool]:
        """Counts it, unless somebody's day is used up: then whose, and whether it is said for the
        first time that day."""
        quotas = self._context.config.quotas
        kind = "videos" if deed == "watch" else "questions"
        scopes = {
            f"person:{self._context.chat.name}:{person.id}": getattr(quotas, f"{kind}_per_person"),
            f"channel:{where.channel}": getattr(quotas, f"{kind}_per_channel"),
        }
        if where.server:
            scopes[f"server:{where.server}"] = getattr(quotas, f"{kind}_per_server")
        wanted = [Quota(scope, kind, most) for scope, most in scopes.items()]
        return await self._context.usage.take(wanted, datetime.now(UTC))


def merged(habits: Sequence[ChatSettings]) -> ChatSettings:
    """Of each setting, the first that is set."""
    values = {
        field.name: next(
            (value for one in habits if (value := getattr(one, field.name)) is not None), None
        )
        for field in fields(ChatSettings)
    }
    return ChatSettings(**values)
