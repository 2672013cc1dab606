"""This file has people on Telegram heard, and Telegram know what they may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.chat import Receiver
from bot.config import Telegram as Section
from bot.telegram_adapter.adapter import Telegram
from bot.telegram_adapter.command_registration import tell_commands
from bot.telegram_adapter.listener import EventListener
from bot.telegram_adapter.updates import Listening, Polling, Webhook

TIDIED_S = 60.0


async def hear(
    telegram: Telegram,
    receiver: Receiver,
    config: Section,
    begun: Callable[[], object] = lambda: None,
) -> None:
    """Until this is cancelled. `begun`: told when it works.

    Raises ConfigInvalid where Telegram does not take our webhook, or will not have us any more."""
    bot = telegram.bot
    listening: Listening = Webhook(bot, config) if config.webhook_url else Polling(bot)
    others = [asyncio.create_task(tell_commands(bot)), asyncio.create_task(_tidy(telegram))]
    try:
        await listening.serve(EventListener(telegram, receiver, config.allowed_chats).hear, begun)
    finally:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _tidy(telegram: Telegram) -> None:
    while True:
        await asyncio.sleep(TIDIED_S)
        telegram.pace.tidy()
