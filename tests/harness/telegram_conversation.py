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
"""Button rows below an answer, one question each. A summary has one row more."""
READABLE_CHARACTERS = 32
"""Characters of a full-width button that a phone shows."""
_BAR = re.compile("^[▰▱]+", re.MULTILINE)


@dataclass(frozen=True)
class Conversation:
    """One chat, or one `topic` of it, and what the bot posts there."""

    platform: TelegramServer
    chat: int
    topic: int | None = None

    async def write(self, text: str, **more: Any) -> int:
        """Write a message and return its id. `more`: arguments of people.write."""
        topic = self.topic or 0
        return int(await self.platform.people.write(self.chat, text, topic=topic, **more))

    async def ours(self, after: int = 0) -> list[Seen]:
        """The bot's messages newer than `after`, oldest first."""
        seen = await self.platform.people.messages(self.chat, self.topic)
        return [one for one in seen if one.author == BOT and not one.service and one.id > after]

    async def first(self, fits: Callable[[Seen], bool], after: int = 0) -> Seen:
        """Wait for the first of the bot's messages that fits."""

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
        """Wait for a complete answer: it gets its buttons at its end."""
        return await self.first(is_answer, after)

    async def bars(self) -> list[list[str]]:
        """Every version of each message that ever showed a progress bar."""
        versions = [[version.text for version in one.versions] for one in await self.ours()]
        return [texts for texts in versions if any(map(_BAR.search, texts))]


def is_answer(seen: Seen) -> bool:
    return len(seen.buttons) >= QUESTIONS and not is_summary(seen)


def is_summary(seen: Seen) -> bool:
    return any("Transcript" in row for row in seen.buttons)


def questions(seen: Seen) -> list[str]:
    """The questions on a message's buttons. Each has a row of its own, and can be read in full
    there or in the text above."""
    labels = [label for [label] in seen.buttons[:QUESTIONS]]
    assert all(len(one) <= READABLE_CHARACTERS or one in seen.text for one in labels)
    return [re.sub(r"^\d\. ", "", label) for label in labels]
