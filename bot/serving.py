"""This file serves the chat platforms that have a token, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import get_args

from bot.chat import Chat
from bot.config import Config
from bot.desk import Desk
from bot.handlers import Handlers
from bot.outbox import open_outbox
from bot.words import Words
from core.bootstrap import House, open_house
from core.config import Language
from core.errors import ConfigInvalid, CoreError

log = logging.getLogger(__name__)

Serve = Callable[[], Awaitable[None]]


async def serve(config: Config, *, works: bool, begun: Callable[[list[str]], None]) -> None:
    """Every platform with a token, and the jobs if it `works`. `begun`: told the platforms' names.

    Returns never: it is cancelled. Raises ConfigInvalid for a wrong token before anything is
    served, and the first platform's error once none is left: one that is away takes no other
    down."""
    async with (
        open_house(config, stays=True, works=works) as house,
        AsyncExitStack() as stack,
    ):
        await house.core.jobs()
        serving: dict[str, Coroutine[None, None, None]] = {}
        if config.discord.token.get_secret_value():
            serving["Discord"] = await _discord(stack, house, config)
        if not serving:
            raise ConfigInvalid("discord.token", "no platform has a token")
        begun(list(serving))
        await _all(serving)


async def _discord(
    stack: AsyncExitStack, house: House, config: Config
) -> Coroutine[None, None, None]:
    from bot.discord_adapter.opening import open_discord  # here: it takes 0.5 s to import

    discord = await stack.enter_async_context(open_discord(config.discord))
    return discord.serve(await stack.enter_async_context(handling(discord, house, config)))


@asynccontextmanager
async def handling(chat: Chat, house: House, config: Config) -> AsyncIterator[Handlers]:
    """A platform's handlers at work, on what was left undone first."""
    store = house.store
    async with open_outbox(chat, store.outgoing) as outbox:
        desk = Desk(
            chat=chat,
            outbox=outbox,
            core=house.core,
            requests=store.requests,
            rooms=store.rooms,
            buttons=store.buttons,
            settings=store.settings,
            usage=store.usage,
            config=config,
            words={language: Words(language) for language in get_args(Language)},
        )
        handlers = Handlers(desk)
        try:
            await handlers.work.resume()
            yield handlers
        finally:
            await handlers.work.close()


async def _all(serving: dict[str, Coroutine[None, None, None]]) -> None:
    tasks = {asyncio.create_task(one, name=name) for name, one in serving.items()}
    try:
        for ended in asyncio.as_completed(tasks):
            try:
                await ended
            except CoreError as error:
                log.error("a platform is gone: %s", error)
                if all(task.done() for task in tasks):
                    raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
