"""Run our Telegram adapter, handlers and outbox in this process, against the Telegram counterpart
and an in-memory core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.config import Config
from bot.telegram_adapter.adapter import Telegram
from bot.telegram_adapter.connect import open_telegram
from bot.telegram_adapter.serve import serve as serve_telegram
from core.model import Video
from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.people import Seen
from tests.counterparts.telegram.server import BOT, BOT_NAME, TelegramServer
from tests.fakes.store import MemoryStore
from tests.harness.eventually import eventually
from tests.harness.fake_core import BEES, VIDEOS, FakeCore
from tests.harness.stage import (
    NO_VIDEO,
    QUESTION,
    PausingFetcher,
    handled,
    is_told,
    meanwhile,
    rest,
)
from tests.harness.telegram_adapter import at_once, section


@dataclass
class Stage:
    platform: TelegramServer
    chat: int
    """The chat in which people write."""
    telegram: Telegram
    fetcher: PausingFetcher
    store: MemoryStore = field(default_factory=MemoryStore)

    async def write(self, text: str, chat: int = 0, **more: Any) -> int:
        """Write to the bot as the private chat's person, or as Mina. Returns the message's id."""
        chat = chat or self.chat
        if chat > 0:
            return await self.platform.people.write(chat, text, author=chat, **more)
        return await self.platform.people.write(chat, f"@{BOT_NAME} {text}", **more)

    async def paste(self, video: Video = BEES, chat: int = 0) -> int:
        return await self.write(f"https://youtu.be/{video.id}", chat)

    async def take_in(self, video: Video = BEES, chat: int = 0) -> int:
        """Post the video's link and wait until every reply is delivered."""
        link = await self.paste(video, chat)
        await self.is_over(link, chat)
        return link

    async def is_over(self, message: int, chat: int = 0) -> None:
        """Wait until every reply to the message is delivered."""
        name = f"{chat or self.chat}:{message}"
        await eventually(lambda: is_told(self.store, name))
        await self.rest()

    async def rest(self) -> None:
        """Wait until no work and no delivery is left."""
        await rest(self.store, "telegram")

    async def says(self, chat: int = 0) -> list[str]:
        """What the bot posted in the chat, oldest first."""
        return [seen.text for seen in await self.ours(chat)]

    async def ours(self, chat: int = 0) -> list[Seen]:
        seen = await self.platform.people.messages(chat or self.chat)
        return [one for one in seen if one.author == BOT and not one.service]

    async def comes(self, wanted: str, chat: int = 0) -> Seen:
        """Wait for a message from the bot that contains `wanted`; return the newest."""

        async def find() -> Seen | None:
            seen = await self.ours(chat)
            return next((one for one in reversed(seen) if wanted in one.text), None)

        found = await eventually(find, 20)
        assert found
        return found

    def calls(self, *methods: str, chat: int = 0) -> list[Call]:
        """The bot's calls about the chat, all or those of the given methods."""
        there = [call for call in self.platform.calls if call.chat == (chat or self.chat)]
        return [call for call in there if not methods or call.method in methods]

    async def serves_elsewhere(self) -> None:
        """Check that the bot still answers: ask something in a new group."""
        group = await self.platform.people.make_group("Elsewhere")
        await self.write(QUESTION, group)
        await self.comes(NO_VIDEO, group)


@asynccontextmanager
async def on_stage(
    platform: TelegramServer, folder: Path, chat: int, **world: Any
) -> AsyncIterator[Stage]:
    """Run the bot without real-world waits: messages and edits follow one another at once. `folder`
    holds everything the bot stores."""
    await platform.updates.drop()
    config = Config(data_dir=folder, telegram=section(platform))
    async with open_telegram(config.telegram, folder) as telegram:
        at_once(telegram).edit_interval_s = 0.05
        stage = Stage(platform, chat, telegram, PausingFetcher(*VIDEOS))
        scene = FakeCore(folder, fetcher=stage.fetcher, store=stage.store, **world)
        async with (
            handled(telegram, config, scene) as handlers,
            meanwhile(serve_telegram(telegram, handlers, config.telegram)),
        ):
            yield stage
