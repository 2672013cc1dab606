"""Use every feature as people on Telegram do, and summarise what they read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.counterparts.telegram.people import People, Seen
from tests.counterparts.telegram.server import TelegramServer
from tests.counterparts.telegram.world import Press
from tests.harness.stage import DONE, FOUND, NOT_SHOWN, QUESTION
from tests.harness.telegram_stage import Stage, on_stage

SUMMARY, CHAPTERS, FILE = "\nPoints\n", "0:00 Bees", "Here is the file."
ASKS, MORE = " asked: ", "More questions:"
ANSWER, PROGRESS = "an answer", "a bar"
VISIT = [DONE, SUMMARY, FILE, ASKS, ANSWER, FOUND]
"""What people read after a `visit`."""


@asynccontextmanager
async def staged(
    platform: TelegramServer, folder: Path, where: str = "group", **world: Any
) -> AsyncIterator[Stage]:
    """Run the bot in a new chat; afterwards check that it still serves other chats."""
    async with on_stage(platform, folder, await a_chat(platform.people, where), **world) as stage:
        yield stage
        await stage.rest()
        await stage.serves_elsewhere()
        await stage.rest()


async def a_chat(people: People, where: str) -> int:
    if where == "private":
        return await people.open_private(await people.meet("Ada"))
    if where == "group":
        return await people.make_group("Hive")
    forum = await people.make_supergroup("Hive", forum=True)
    await people.promote(forum, people.bot, can_manage_topics=True)
    return forum


async def visit(stage: Stage) -> None:
    """Use every feature: a link, two buttons, a question."""
    await stage.take_in()
    summary = await stage.comes(SUMMARY)
    await press(stage, summary, "Transcript")
    await stage.comes(FILE)
    await press(stage, summary, 0)
    await stage.comes(ASKS)
    await stage.rest()
    at = {"topic": summary.topic} if summary.topic else {"reply_to": summary.id}
    await stage.is_over(await stage.write(QUESTION, **at))


async def press(stage: Stage, message: Seen, button: str | int) -> Press:
    author = max(message.chat, 0)  # a private chat has its person's id
    return await stage.platform.people.press(message, button, author=author)


async def read(stage: Stage, chat: int = 0) -> list[str]:
    """Name the kind of each message."""
    return [kind(seen) for seen in await stage.ours(chat)]


def kind(seen: Seen) -> str:
    if re.search("(?m)^[▰▱]+", seen.text):
        return PROGRESS
    known = (DONE, NOT_SHOWN, SUMMARY, CHAPTERS, FILE, ASKS, MORE, FOUND)
    return next((words for words in known if words in seen.text), ANSWER if seen.buttons else "?")


async def paused(stage: Stage) -> int:
    """Post a link; its download then blocks until `fetcher.may` is set."""
    stage.fetcher.may.clear()
    link = await stage.paste()
    await stage.comes("Downloading")
    return link
