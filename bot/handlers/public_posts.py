"""Limit what people make the bot post in front of others: one of a kind a place and minute."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from bot.chat import Draft, Where
from bot.handlers.context import HandlerContext
from bot.rendering.chat_messages import MessageRenderer

PAUSE_S = 60.0


@dataclass(slots=True)
class PublicPosts:
    """The last post of each kind at each place, by the loop's clock; a restart forgets them."""

    _last: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)

    def take(self, where: Where, kind: str, event_id: str) -> str:
        """Return "" if the event may post now, else the id of the event that did.

        It may always in a private chat, and when it is delivered again."""
        now = asyncio.get_running_loop().time()
        self._last = {name: last for name, last in self._last.items() if last[0] > now - PAUSE_S}
        if not where.server:
            return ""
        last = self._last.setdefault((where.place, kind), (now, event_id))[1]
        return "" if last == event_id else last

    @contextmanager
    def released_on_error(self, where: Where, kind: str, event_id: str) -> Iterator[None]:
        """Let others post if the block, in which the event does, fails."""
        try:
            yield
        except BaseException:
            if self._last.get((where.place, kind), (0.0, ""))[1] == event_id:
                del self._last[where.place, kind]
            raise


def just_posted(
    context: HandlerContext, where: Where, key: str, renderer: MessageRenderer
) -> Draft:
    """Say that the message with this key was posted a moment ago, with a link to it if the platform
    has one and it was delivered already."""
    message_id = context.outbox.posted_id(key)
    url = context.chat.message_url(where, message_id) if message_id else ""
    said = renderer.say("chat.just_posted_here" if url else "chat.just_posted")
    return replace(said, blocks=(*said.blocks, context.chat.style.address(url))) if url else said
