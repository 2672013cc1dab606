"""Connect to Telegram: check the token, and close the connections at the end."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from telegram import Bot
from telegram.request import HTTPXRequest

from bot.config import Telegram as Section
from bot.telegram_adapter.adapter import Telegram
from bot.telegram_adapter.group_migrations import GroupMigrations
from bot.telegram_adapter.updates import retry_until_done
from core.errors import ConfigInvalid

ROOT = "https://api.telegram.org"
CONNECTIONS = 64
CONNECT_S, CALL_TIMEOUT_S = 10.0, 25.0

_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


@asynccontextmanager
async def open_telegram(config: Section, folder: Path) -> AsyncIterator[Telegram]:
    """Log in to Telegram, retrying until it can be reached. Messages can then be sent; serve.py
    receives events. `folder`: keeps what must survive a restart.

    Raises ConfigInvalid for a wrong token."""
    async with open_bot(config) as bot:
        bot_user = await retry_until_done(bot.get_me)
        yield Telegram(bot, bot_user, GroupMigrations(folder))


@asynccontextmanager
async def open_bot(config: Section) -> AsyncIterator[Bot]:
    """Create a client without contacting Telegram. Raises ConfigInvalid for a malformed token."""
    token = config.token.get_secret_value()
    if not _TOKEN.fullmatch(token):
        raise ConfigInvalid("telegram.token", "BotFather gives none like this")
    # Without it python-telegram-bot warns at every RetryAfter.
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    root = (config.api_base or ROOT).rstrip("/")
    files = (config.file_base or root).rstrip("/")
    async with _request(CONNECTIONS) as request, _request(1) as polling:
        yield Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{files}/file/bot",
            request=request,
            get_updates_request=polling,
        )


def _request(connections: int) -> HTTPXRequest:
    return HTTPXRequest(
        connections,
        connect_timeout=CONNECT_S,
        read_timeout=CALL_TIMEOUT_S,
        write_timeout=CALL_TIMEOUT_S,
        pool_timeout=CALL_TIMEOUT_S,
    )
