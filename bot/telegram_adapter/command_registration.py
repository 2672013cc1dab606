"""Register the bot's commands with Telegram, in every language of the bot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import get_args

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
)

from bot.backoff import backoff_s
from bot.chat import Busy, ChatError
from bot.telegram_adapter.command_parsing import COMMANDS, FOR_MODERATORS
from bot.telegram_adapter.errors import translate_errors
from bot.words import Words
from core.config import Language

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 300.0
DEFAULT = "en"
"""Shown to people whose language the bot does not have."""


async def register_commands(bot: Bot) -> None:
    """Register the commands that Telegram does not have yet. Retries until it works or Telegram
    refuses them."""
    failures = 0
    while True:
        try:
            await _register(bot)
            return
        except Busy as busy:
            failures += 1
            await asyncio.sleep(busy.retry_after_s or backoff_s(failures, LONGEST_PAUSE_S))
        except ChatError as error:
            log.error("Telegram refused the commands: %s", error)
            return


async def _register(bot: Bot) -> None:
    lists = await asyncio.to_thread(lambda: list(_our_commands()))  # reads the locale files
    for scope, language, ours in lists:
        async with translate_errors():
            theirs = await bot.get_my_commands(scope=scope, language_code=language)
            if list(theirs) != ours:
                await bot.set_my_commands(ours, scope=scope, language_code=language)
                log.info("Registered commands with Telegram (%s, %s)", scope.type, language)


def _our_commands() -> Iterator[tuple[BotCommandScope, str | None, list[BotCommand]]]:
    """Yield scope, language and commands. Members of a group do not see moderators' commands."""
    scopes: list[tuple[BotCommandScope, tuple[str, ...]]] = [
        (BotCommandScopeDefault(), FOR_MODERATORS),
        (BotCommandScopeAllPrivateChats(), ()),
        (BotCommandScopeAllChatAdministrators(), ()),
    ]
    for language in get_args(Language):
        words = Words(language)
        for scope, excluded in scopes:
            ours = [
                BotCommand(name, words(f"commands.{name}.description"))
                for name in COMMANDS
                if name not in excluded
            ]
            yield scope, None if language == DEFAULT else language, ours
