"""Run our Discord adapter, handlers and outbox in this process, against the Discord counterpart and
an in-memory core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.config import Config
from bot.discord_adapter.adapter import Discord
from bot.discord_adapter.connect import log_in, open_client, use_addresses
from bot.discord_adapter.gateway import Gateway
from core.model import Video
from tests.counterparts.discord.cards import description
from tests.counterparts.discord.people import Seen
from tests.counterparts.discord.server import DiscordServer
from tests.fakes.store import MemoryStore
from tests.harness.discord_adapter import section
from tests.harness.eventually import eventually
from tests.harness.fake_core import BEES, VIDEOS, FakeCore
from tests.harness.stage import PausingFetcher, handled, is_told, meanwhile, rest


@dataclass
class Stage:
    platform: DiscordServer
    place: str
    """A channel of its own."""
    fetcher: PausingFetcher
    store: MemoryStore = field(default_factory=MemoryStore)

    async def paste(self, video: Video = BEES) -> str:
        """Post the video's link; return the message id, which its thread will share."""
        return await self.platform.people.write(self.place, f"https://youtu.be/{video.id}")

    async def take_in(self, video: Video = BEES) -> str:
        """Post the video's link and wait until every reply is delivered."""
        link = await self.paste(video)
        await eventually(lambda: is_told(self.store, link))
        await self.rest()
        return link

    async def rest(self) -> None:
        """Wait until no work and no delivery is left."""
        await rest(self.store, "discord")

    async def says(self, place: str = "") -> list[str]:
        """Public texts and card descriptions that the bot posted in `place`, oldest first."""
        return [text(one) for one in await self.ours(place) if not one.ephemeral]

    async def ours(self, place: str = "") -> list[Seen]:
        people = self.platform.people
        seen = await people.messages(place or self.place)
        return [one for one in seen if one.author == people.bot and text(one)]

    async def comes(self, wanted: str, place: str = "") -> Seen:
        """Wait for a message from the bot that contains `wanted`."""

        async def find() -> Seen | None:
            seen = await self.ours(place)
            return next((one for one in seen if wanted in text(one)), None)

        found = await eventually(find, 20)
        assert found
        return found


@asynccontextmanager
async def on_stage(platform: DiscordServer, scratch: Path) -> AsyncIterator[Stage]:
    """Run the bot without real-world waits: edits follow one another as fast as the test platform
    refills its rate-limit buckets, and sessions start at once."""
    place = await platform.people.make_channel("place")
    stage = Stage(platform, place, PausingFetcher(*VIDEOS))
    world = FakeCore(scratch, fetcher=stage.fetcher, store=stage.store)
    async with acting(Config(discord=section(platform)), world, edit_interval_s=0.1):
        yield stage


@asynccontextmanager
async def acting(config: Config, world: FakeCore, edit_interval_s: float) -> AsyncIterator[None]:
    """Run only the bot; return once it receives people's messages."""
    async with _opened(config) as adapter:
        adapter.edit_interval_s = edit_interval_s
        async with handled(adapter, config, world) as handlers, meanwhile(adapter.serve(handlers)):
            await adapter.ready()
            yield


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Discord]:
    use_addresses(config.discord)
    async with open_client(config.discord) as (client, intents):
        client.before_identify_hook = _do_not_wait  # skip the 5 s between IDENTIFYs
        assert await log_in(client, config.discord)
        yield Discord(client, Gateway(client, intents))


async def _do_not_wait(shard_id: int | None, *, initial: bool = False) -> None:
    pass


def text(seen: Seen) -> str:
    return seen.text or description(seen)
