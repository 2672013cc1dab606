"""Talk with the whole program on Telegram, and read what it posts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.counterparts.telegram.people import Seen
from tests.counterparts.telegram.server import BOT, TelegramServer
from tests.harness.eventually import eventually

DONE = "Done. The summary is below."
QUESTIONS = 3
"""Rows of buttons below an answer: a question each. A summary has another one."""
READABLE_CHARACTERS = 32
"""Of a button in a row of its own, on a telephone."""
_BAR = re.compile("^[▰▱]+", re.MULTILINE)


@dataclass(frozen=True)
class Conversation:
    """One chat, or with `topic` one topic of it, and what the bot says there."""

    platform: TelegramServer
    chat: int
    topic: int | None = None

    async def write(self, text: str, **more: Any) -> int:
        """The message's id. `more`: of people.write."""
        topic = self.topic or 0
        return int(await self.platform.people.write(self.chat, text, topic=topic, **more))

    async def ours(self, after: int = 0) -> list[Seen]:
        """The bot's messages, the oldest first. `after`: a message that is older than they are."""
        seen = await self.platform.people.messages(self.chat, self.topic)
        return [one for one in seen if one.author == BOT and not one.service and one.id > after]

    async def first(self, fits: Callable[[Seen], bool], after: int = 0) -> Seen:
        """Of the bot's messages, as soon as there is one."""

        async def find() -> Seen | None:
            return next(filter(fits, await self.ours(after)), None)

        found = await eventually(find)
        assert found
        return found

    async def said(self, words: str, after: int = 0) -> Seen:
        return await self.first(lambda one: words in one.text, after)

    async def summary(self, after: int = 0) -> Seen:
        return await self.first(is_summary, after)

    async def answer(self, after: int) -> Seen:
        """Whole: an answer gets its buttons at its end."""
        return await self.first(lambda one: len(one.buttons) == QUESTIONS, after)

    async def bars(self) -> list[list[str]]:
        """Of every message that ever showed how far something is, all it showed."""
        versions = [[version.text for version in one.versions] for one in await self.ours()]
        return [texts for texts in versions if any(map(_BAR.search, texts))]


def is_summary(seen: Seen) -> bool:
    return any("Transcript" in row for row in seen.buttons)


def questions(seen: Seen) -> list[str]:
    """On the buttons below a message: each has a row of its own, and can be read whole there or
    above it in the text."""
    labels = [label for [label] in seen.buttons[:QUESTIONS]]
    assert all(len(one) <= READABLE_CHARACTERS or one in seen.text for one in labels)
    return [re.sub(r"^\d\. ", "", label) for label in labels]
