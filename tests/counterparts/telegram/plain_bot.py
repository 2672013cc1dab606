"""A minimal python-telegram-bot bot that records what it receives by long polling or webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from telegram import Bot, Message, Update
from telegram.error import TelegramError
from telegram.ext import Application, ApplicationBuilder, TypeHandler

from tests.counterparts.telegram.server import TOKEN, TelegramServer
from tests.counterparts.telegram.webhook import SECRET

PATH = "/telegram"


class PlainBot:
    """A bot that records updates. `heard`: every update. `errors`: errors while polling. `failing`:
    how many more webhook deliveries it answers with 500."""

    def __init__(self, platform: TelegramServer) -> None:
        self.heard: asyncio.Queue[Update] = asyncio.Queue()
        self.errors: asyncio.Queue[TelegramError] = asyncio.Queue()
        self.failing = 0
        self.secrets: list[str] = []
        builder = ApplicationBuilder().token(TOKEN).concurrent_updates(True)
        builder = builder.base_url(platform.base_url).base_file_url(platform.base_file_url)
        self.app: Application = builder.build()
        self.app.add_handler(TypeHandler(Update, self._hear))

    @property
    def api(self) -> Bot:
        return self.app.bot

    async def _hear(self, update: Update, _: object) -> None:
        self.heard.put_nowait(update)

    async def next(self) -> Update:
        return await asyncio.wait_for(self.heard.get(), 10)

    async def next_message(self) -> Message:
        """Wait for the next update, which must be a message."""
        update = await self.next()
        assert update.message is not None, update
        return update.message

    async def take(self, request: web.Request) -> web.Response:
        """Receive a webhook delivery."""
        self.secrets.append(request.headers.get(SECRET, ""))
        if self.failing:
            self.failing -= 1
            return web.Response(status=500)
        update = Update.de_json(await request.json(), self.api)
        await self.app.update_queue.put(update)
        return web.Response()


def plain_api(platform: TelegramServer) -> Bot:
    """A Bot that only sends."""
    return Bot(TOKEN, base_url=platform.base_url, base_file_url=platform.base_file_url)


@asynccontextmanager
async def polling(platform: TelegramServer) -> AsyncIterator[PlainBot]:
    bot = PlainBot(platform)
    async with bot.app:
        await bot.app.start()
        assert bot.app.updater is not None
        await bot.app.updater.start_polling(error_callback=bot.errors.put_nowait)
        try:
            yield bot
        finally:
            await bot.app.updater.stop()
            await bot.app.stop()


@asynccontextmanager
async def on_webhook(platform: TelegramServer, secret: str) -> AsyncIterator[PlainBot]:
    bot = PlainBot(platform)
    site = web.Application()
    site.router.add_post(PATH, bot.take)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    async with bot.app:
        await bot.app.start()
        await bot.api.set_webhook(url, secret_token=secret)
        try:
            yield bot
        finally:
            await bot.api.delete_webhook()
            await bot.app.stop()
            await runner.cleanup()
