"""Receive Telegram's events until cancelled, and register the bot's commands meanwhile."""

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
    on_waiting: Callable[[], object] = lambda: None,
) -> None:
    """Pass events to `receiver` until cancelled. `on_ready`: called once events arrive.
    `on_waiting`: called when another program polls with this token and goes first.

    Raises ConfigInvalid if Telegram refuses the webhook or no longer accepts the token."""
    bot = telegram.bot

    def note_contact(is_made: bool) -> None:
        telegram.is_connected = is_made

    def note_ready() -> None:
        note_contact(True)
        on_ready()

    source: UpdateSource = Polling(bot, note_contact, on_waiting)
    if config.webhook_url:
        source = Webhook(bot, config)
    background = [
        asyncio.create_task(register_commands(bot)),
        asyncio.create_task(_forget_idle_chats(telegram)),
    ]
    try:
        await source.serve(
            EventListener(telegram, receiver, config.allowed_chats).on_update, note_ready
        )
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)


async def _forget_idle_chats(telegram: Telegram) -> None:
    while True:
        await asyncio.sleep(FORGET_INTERVAL_S)
        telegram.rate_limits.forget_idle_chats()
