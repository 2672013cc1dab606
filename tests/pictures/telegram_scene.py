"""Paste the talk and ask about it in a group: the real bot on the tests' Telegram, with nothing
invented but the talk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.config import Config
from bot.telegram_adapter.connect import open_telegram
from bot.telegram_adapter.serve import serve as serve_telegram
from tests.counterparts.telegram.people import Seen
from tests.counterparts.telegram.server import BOT, BOT_NAME, TelegramServer
from tests.harness.eventually import eventually
from tests.harness.stage import handled, meanwhile
from tests.harness.telegram_adapter import at_once, section
from tests.pictures.talk import QUESTION, TALK, world


@dataclass(frozen=True)
class Scene:
    """The scene's messages. `names`: author id → display name."""

    names: dict[int, str]
    link: Seen
    summary: Seen
    question: Seen
    answer: Seen


async def play(platform: TelegramServer, scratch: Path) -> Scene:
    people, config = platform.people, Config(data_dir=scratch, telegram=section(platform))
    async with (
        open_telegram(config.telegram, scratch) as telegram,
        handled(at_once(telegram), config, world(scratch)) as handlers,
        meanwhile(serve_telegram(telegram, handlers, config.telegram)),
    ):
        link = await people.write(people.group, f"@{BOT_NAME} {TALK.url}")

        async def summed_up() -> list[Seen]:
            return [one for one in await people.messages(people.group) if one.buttons]

        [summary] = await eventually(summed_up)
        question = await people.write(people.group, QUESTION, reply_to=summary.id)

        async def answered() -> list[Seen]:
            seen = await people.messages(people.group)
            return [one for one in seen if one.reply_to == question and one.buttons]

        [answer] = await eventually(answered)
        return Scene(
            {people.mina: "Mina", BOT: "Tubethread"},
            await people.message(people.group, link),
            summary,
            await people.message(people.group, question),
            answer,
        )
