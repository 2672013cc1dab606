"""This file has people on Telegram heard, and Telegram know what they may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.chat import Receiver
from bot.config import Telegram as Section
from bot.telegram_adapter.adapter import Telegram
from bot.telegram_adapter.command_registration import register_commands
from bot.telegram_adapter.listener import EventListener
from bot.telegram_adapter.updates import Polling, UpdateSource, Webhook

FORGET_INTERVAL_S = 60.0


async def serve(
    telegram: Telegram,
    receiver: Receiver,
    config: Section,
    on_ready: Callable[[], object] = lambda: None,
) -> None:
    """Until this is cancelled. `on_ready`: told when it works.

    Raises ConfigInvalid where Telegram does not take our webhook, or will not have us any more."""
    bot = telegram.bot
    source: UpdateSource = Webhook(bot, config) if config.webhook_url else Polling(bot)
    others = [
        asyncio.create_task(register_commands(bot)),
        asyncio.create_task(_forget_idle_chats(telegram)),
    ]
    try:
        await source.serve(
            EventListener(telegram, receiver, config.allowed_chats).on_update, on_ready
        )
    finally:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _forget_idle_chats(telegram: Telegram) -> None:
    while True:
        await asyncio.sleep(FORGET_INTERVAL_S)
        telegram.rate_limits.forget_idle_chats()
