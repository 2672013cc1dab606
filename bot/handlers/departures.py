"""Forget the channels of servers and chats that the bot was removed from.

Three days later: people who removed it by mistake, or to invite it with other permissions, have
their videos back, and an operator who ran it with another bot's token by mistake loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from bot.chat import Where
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import error_boundary

log = logging.getLogger(__name__)

GRACE = timedelta(days=3)
_PAUSE_S = 3600.0


class Departures:
    """The servers of one platform."""

    def __init__(self, context: HandlerContext) -> None:
        self._context = context
        self._noted: set[str] = set()

    async def note(self, where: Where) -> None:
        """Note the channel's server, so that a removal is understood also after a kill."""
        if where.server and where.channel not in self._noted:
            await self._context.memberships.note(where.channel, self._name(where.server))
            self._noted.add(where.channel)

    async def leave(self, server: str, places: Sequence[str]) -> None:
        """See Receiver.removed."""
        self._noted.clear()
        log.warning("removed from %s: what is known of it is deleted in %s", server, GRACE)
        channels = [f"{self._context.chat.name}:{place}" for place in places]
        await self._context.memberships.leave(self._name(server), channels, datetime.now(UTC))

    async def join(self, server: str) -> None:
        """See Receiver.joined."""
        await self._context.memberships.join(self._name(server))

    async def meet(self, servers: Collection[str]) -> None:
        """See Receiver.is_in."""
        self._noted.clear()
        names = [self._name(server) for server in servers]
        await self._context.memberships.meet(self._context.chat.name, names, datetime.now(UTC))

    async def follow(self) -> None:
        """Forget what was left long enough ago, every hour, until cancelled."""
        while True:
            with error_boundary():
                await self.forget_left(datetime.now(UTC))
            await asyncio.sleep(_PAUSE_S)

    async def forget_left(self, now: datetime) -> None:
        context = self._context
        for channel in await context.memberships.left(context.chat.name, now - GRACE):
            await context.core.forget(channel)

    def _name(self, server: str) -> str:
        return f"{self._context.chat.name}:{server}"
