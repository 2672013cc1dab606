"""Serve the chat platforms that have a token, or only work on jobs, until cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import get_args

from bot.chat import Chat
from bot.config import Config
from bot.delivery.outbox import open_outbox
from bot.handlers.context import HandlerContext
from bot.handlers.incoming import Handlers
from bot.monitoring.readiness import Connected
from bot.rendering.chat_messages import MessageRenderer
from bot.single_server import serving_alone
from bot.words import Words
from core.bootstrap import ChatCore, open_chat_core
from core.config import Language
from core.errors import ConfigInvalid

log = logging.getLogger(__name__)

OnServing = Callable[[str], None]
"""Called with a platform's name when the bot begins to receive its events."""
OnWaiting = Callable[[str], None]
"""Called with a platform's name when another process serves it, until whose end this one waits."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Whom to tell how serving goes."""

    serving: OnServing
    waiting: OnWaiting


async def serve(
    config: Config, *, works: bool, on_serving: OnServing, on_waiting: OnWaiting
) -> None:
    """Serve every platform with a token, and run jobs if `works`, until cancelled.

    Raises ConfigInvalid for a token that is missing or wrong at the start. A platform that fails
    later stops no other; the error of the last one is raised."""
    words = await asyncio.to_thread(_words)  # reading them takes 0.4 s
    connected: dict[str, Connected] = {}
    async with _open(config, connected, works=works) as core:
        await core.pipeline.start_jobs()
        served: set[str] = set()

        def started(platform: str) -> None:
            served.add(platform)
            on_serving(platform)

        told = _Told(started, on_waiting)
        platforms: dict[str, Coroutine[None, None, None]] = {}
        if config.discord.token.get_secret_value():
            connected["discord"] = _not_yet
            platforms["Discord"] = _discord(core, config, words, told, connected)
        if config.telegram.token.get_secret_value():
            connected["telegram"] = _not_yet
            platforms["Telegram"] = _telegram(core, config, words, told, connected)
        if not platforms:
            raise ConfigInvalid("discord.token", "no platform has a token")
        await serve_all(platforms, served)


async def work(config: Config, on_working: Callable[[], None]) -> None:
    """Work on jobs until cancelled, without a chat platform. `on_working`: called once this process
    works, or another one of the data folder does."""
    async with _open(config, {}, works=True) as core:
        await core.pipeline.start_jobs()
        on_working()
        await asyncio.Event().wait()


@asynccontextmanager
async def _open(
    config: Config, connected: Mapping[str, Connected], *, works: bool
) -> AsyncIterator[ChatCore]:
    """Open the core and, where the settings want it, the port for metrics and health."""
    async with open_chat_core(config, stays=True, works=works) as core, AsyncExitStack() as stack:
        if config.metrics.port:
            # Imported here: aiohttp takes 0.3 s.
            from bot.monitoring.http_server import serving_metrics

            serving = serving_metrics(core, config.metrics.port, connected, works=works)
            await stack.enter_async_context(serving)
        yield core


async def _discord(
    core: ChatCore,
    config: Config,
    words: Mapping[str, Words],
    told: _Told,
    connected: dict[str, Connected],
) -> None:
    from bot.discord_adapter.connect import open_discord  # imported here: it takes 0.5 s

    async with (
        serving_alone(config.data_dir, "discord", partial(told.waiting, "Discord")),
        open_discord(config.discord) as discord,
        handling(discord, core, config, words) as handlers,
    ):
        connected[discord.name] = lambda: discord.is_connected
        told.serving("Discord")
        await discord.serve(handlers)


async def _telegram(
    core: ChatCore,
    config: Config,
    words: Mapping[str, Words],
    told: _Told,
    connected: dict[str, Connected],
) -> None:
    from bot.telegram_adapter.connect import open_telegram
    from bot.telegram_adapter.serve import serve as serve_telegram  # imported here: it takes 0.5 s

    waiting = partial(told.waiting, "Telegram")
    async with (
        serving_alone(config.data_dir, "telegram", waiting),
        open_telegram(config.telegram, config.data_dir) as telegram,
        handling(telegram, core, config, words) as handlers,
    ):
        connected[telegram.name] = lambda: telegram.is_connected
        ready = partial(told.serving, "Telegram")
        await serve_telegram(telegram, handlers, config.telegram, ready, waiting)


@asynccontextmanager
async def handling(
    chat: Chat, core: ChatCore, config: Config, words: Mapping[str, Words]
) -> AsyncIterator[Handlers]:
    """Run a platform's handlers, beginning with requests that an earlier process left."""
    records = core.records
    fallback = MessageRenderer(chat, words[config.language]).say("chat.not_shown")
    async with open_outbox(chat, records.outbox_entries, fallback) as outbox:
        context = HandlerContext(
            chat=chat,
            outbox=outbox,
            core=core.pipeline,
            requests=records.requests,
            bindings=records.bindings,
            buttons=records.buttons,
            settings=records.settings,
            usage=records.usage,
            memberships=records.memberships,
            config=config,
            words=words,
        )
        handlers = Handlers(context)
        try:
            await handlers.requests.resume()
            yield handlers
        finally:
            await handlers.requests.close()


async def serve_all(platforms: dict[str, Coroutine[None, None, None]], served: set[str]) -> None:
    """Run all platforms. `served`: those that have begun to receive events. See `serve`."""
    tasks = {asyncio.create_task(one, name=name) for name, one in platforms.items()}
    serving = set(tasks)
    try:
        while serving:
            ended, serving = await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                error = task.exception()
                log.error("stopped serving %s", task.get_name(), exc_info=error)
                is_wrong = isinstance(error, ConfigInvalid) and task.get_name() not in served
                if error and (is_wrong or not serving):
                    raise error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _not_yet() -> bool:
    return False


def _words() -> dict[str, Words]:
    return {language: Words(language) for language in get_args(Language)}
