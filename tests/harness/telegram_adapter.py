"""Run our Telegram adapter against the Telegram counterpart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.config import Telegram as Section
from bot.telegram_adapter.adapter import Telegram
from bot.telegram_adapter.connect import open_telegram
from bot.telegram_adapter.rate_limits import RateLimits
from bot.telegram_adapter.serve import serve as serve_telegram
from tests.counterparts.telegram.people import Seen
from tests.counterparts.telegram.server import TOKEN, TelegramServer
from tests.fakes.receiver import ScriptedReceiver


def section(server: TelegramServer, token: str = TOKEN, **more: Any) -> Section:
    return Section(token=SecretStr(token), api_base=server.url, **more)


@asynccontextmanager
async def serving_bot(
    server: TelegramServer, folder: Path, receiver: ScriptedReceiver, **more: Any
) -> AsyncIterator[Telegram]:
    """Open the Telegram adapter and serve updates to `receiver`. `more`: further settings."""
    config = section(server, **more)
    async with open_telegram(config, folder) as telegram:
        work = asyncio.create_task(serve_telegram(telegram, receiver, config))
        try:
            yield at_once(telegram)
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work


def at_once(telegram: Telegram) -> Telegram:
    """Remove the adapter's rate limits, for a server without limits."""
    telegram.rate_limits = RateLimits(0.0, 0.0, 0.0, 0.0)
    return telegram


async def last(server: TelegramServer, chat: int) -> Seen:
    """The newest message in the chat."""
    return (await server.people.messages(chat))[-1]
