"""Run our Telegram adapter, handlers and outbox in this process, against the Telegram counterpart
and a core in memory."""

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
    """Where people are."""
    telegram: Telegram
    fetcher: PausingFetcher
    store: MemoryStore = field(default_factory=MemoryStore)

    async def write(self, text: str, chat: int = 0, **more: Any) -> int:
        """Said to the bot, by whose chat it is or by Mina. The message's number."""
        chat = chat or self.chat
        if chat > 0:
            return await self.platform.people.write(chat, text, author=chat, **more)
        return await self.platform.people.write(chat, f"@{BOT_NAME} {text}", **more)

    async def paste(self, video: Video = BEES, chat: int = 0) -> int:
        return await self.write(f"https://youtu.be/{video.id}", chat)

    async def take_in(self, video: Video = BEES, chat: int = 0) -> int:
        """Pastes it, and waits until all is said."""
        link = await self.paste(video, chat)
        await self.is_over(link, chat)
        return link

    async def is_over(self, message: int, chat: int = 0) -> None:
        """All that comes of the message has been said."""
        name = f"{chat or self.chat}:{message}"
        await eventually(lambda: is_told(self.store, name))
        await self.rest()

    async def rest(self) -> None:
        """Until nothing is left to do or to say."""
        await rest(self.store, "telegram")

    async def says(self, chat: int = 0) -> list[str]:
        """What people can read there of us, oldest first."""
        return [seen.text for seen in await self.ours(chat)]

    async def ours(self, chat: int = 0) -> list[Seen]:
        seen = await self.platform.people.messages(chat or self.chat)
        return [one for one in seen if one.author == BOT and not one.service]

    async def comes(self, wanted: str, chat: int = 0) -> Seen:
        """The newest message of ours with these words, once there is one."""

        async def find() -> Seen | None:
            seen = await self.ours(chat)
            return next((one for one in reversed(seen) if wanted in one.text), None)

        found = await eventually(find, 20)
        assert found
        return found

    def calls(self, *methods: str, chat: int = 0) -> list[Call]:
        """What we asked about the chat, by these methods or by any."""
        there = [call for call in self.platform.calls if call.chat == (chat or self.chat)]
        return [call for call in there if not methods or call.method in methods]

    async def serves_elsewhere(self) -> None:
        """In a group of its own somebody asks something, and is answered."""
        group = await self.platform.people.make_group("Elsewhere")
        await self.write(QUESTION, group)
        await self.comes(NO_VIDEO, group)


@asynccontextmanager
async def on_stage(
    platform: TelegramServer, folder: Path, chat: int, **world: Any
) -> AsyncIterator[Stage]:
    """People are heard. Nobody waits as long as before the real one: messages and edits may follow
    one another at once. `folder`: for all that the bot keeps."""
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
