"""Paste the talk and ask about it: the real bot on the tests' Discord, with nothing invented but
the talk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.config import Config
from tests.counterparts.discord.people import Seen
from tests.counterparts.discord.server import DiscordServer
from tests.harness.discord_adapter import section
from tests.harness.discord_stage import acting
from tests.harness.eventually import eventually
from tests.pictures.talk import QUESTION, TALK, world


@dataclass(frozen=True)
class Scene:
    """The scene's messages. `names`: author id → display name."""

    names: dict[str, str]
    thread: str
    link: Seen
    summary: Seen
    question: Seen
    answer: Seen


def is_summary(seen: Seen) -> bool:
    return "Transcript" in seen.buttons.values()


async def play(platform: DiscordServer, scratch: Path) -> Scene:
    people, config = platform.people, Config(discord=section(platform))
    async with acting(config, world(scratch), edit_interval_s=0.1):
        link = await people.write(people.channel, f"Have you seen this? {TALK.url}")

        async def summed_up() -> list[Seen]:
            if not await people.threads(people.channel):
                return []
            return [one for one in await people.messages(link) if is_summary(one)]

        [summary] = await eventually(summed_up)
        question = await people.write(link, QUESTION)

        async def answered() -> list[Seen]:
            seen = await people.messages(link)
            return [one for one in seen if one.buttons and not is_summary(one)]

        [answer] = await eventually(answered)
        [thread] = await people.threads(people.channel)
        return Scene(
            {people.mina: "Mina", people.bot: "Tubethread"},
            thread.name,
            await people.message(link),
            summary,
            await people.message(question),
            answer,
        )
