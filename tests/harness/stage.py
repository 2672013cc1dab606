"""Code shared by discord_stage.py and telegram_stage.py: our handlers over an in-memory core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, get_args

from bot.chat import Chat
from bot.config import Config
from bot.handlers.incoming import Handlers
from bot.serve import handling
from bot.words import Words
from core.bootstrap import ChatCore, chat_records
from core.config import Language
from core.model import Video
from core.ports import ProgressCallback
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.store import MemoryStore
from tests.harness.eventually import eventually
from tests.harness.fake_core import FakeCore

DONE = "Done. The summary is below."
QUESTION = "Who found the queen of the hive in Arden?"
FOUND = "The queen of the hive in Arden was found by Nora Lee."
NOT_SHOWN = "This message can't be shown here."
NO_VIDEO = "This channel has no videos yet."


class PausingFetcher(FakeFetcher):
    """Fetcher that blocks every download until `may` is set."""

    def __init__(self, *videos: Video) -> None:
        super().__init__(*videos)
        self.may = asyncio.Event()
        self.may.set()

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        await self.may.wait()
        return await super().download(video, folder, on_progress)


async def is_told(store: MemoryStore, link: str) -> bool:
    """Whether the outbox holds a reply to the message."""
    known = [effect.owner or effect.key for effect in store.outbox_entries.effects.values()]
    return any(link in name for name in known)


async def rest(store: MemoryStore, platform: str) -> None:
    """Wait until no work and no delivery is left on the platform."""

    async def is_at_rest() -> bool:
        open_requests = await store.requests.open(platform)
        return not open_requests and not await store.outbox_entries.unfinished(platform)

    await eventually(is_at_rest)


@asynccontextmanager
async def handled(adapter: Chat, config: Config, world: FakeCore) -> AsyncIterator[Handlers]:
    """Run the bot's handlers for an open adapter."""
    core = ChatCore(world.pipeline(), chat_records(world.store), check_store=_writable)
    async with handling(adapter, core, config, _words()) as handlers:
        yield handlers


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` in the background while the block runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@cache  # reading them is slow
def _words() -> Mapping[str, Words]:
    return {language: Words(language) for language in get_args(Language)}


async def _writable() -> None:
    """Check a store in memory, which can always be written."""
