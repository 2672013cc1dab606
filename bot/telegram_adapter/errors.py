"""Translate python-telegram-bot's errors into ChatError.

Telegram has no error codes, only texts: https://github.com/tdlib/telegram-bot-api, Client.cpp.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from bot.chat import Busy, ChatError, MessageGone, PlaceClosed, Refused, TooOld

CALL_TIMEOUT_S = 30.0
"""Calls that take longer are cancelled."""

UNAUTHORISED_PAUSE_S = 300.0

NOT_MODIFIED = "message is not modified"
NOT_PARSED = "can't parse entities"
OLD_QUERY = "query is too old"
TOO_LARGE = "request entity too large"
_KINDS: tuple[tuple[str, type[ChatError]], ...] = (
    ("message to edit not found", MessageGone),
    ("message_id_invalid", MessageGone),
    ("message can't be edited", TooOld),
    ("there is no text in the message to edit", TooOld),
    ("chat not found", PlaceClosed),
    ("message thread not found", PlaceClosed),
    ("topic_deleted", PlaceClosed),
    ("topic_closed", PlaceClosed),
    ("user_deactivated", PlaceClosed),
    ("peer_id_invalid", PlaceClosed),
    ("group chat was deactivated", PlaceClosed),
    ("not enough rights to send", PlaceClosed),
    ("have no rights to send", PlaceClosed),
    ("chat_write_forbidden", PlaceClosed),
    ("chat_restricted", PlaceClosed),
    ("need administrator rights in the channel", PlaceClosed),
)

FAILURES = (TelegramError, OSError, TimeoutError)
"""Every error that a call to Telegram can raise."""


@asynccontextmanager
async def translate_errors(limit_s: float = CALL_TIMEOUT_S) -> AsyncIterator[None]:
    """Limit a call to `limit_s`, and let only ChatError and ChatMigrated out."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except ChatMigrated:
        raise
    except FAILURES as error:
        raise translate(error) from error


def translate(error: Exception) -> ChatError:
    """Return the ChatError for an error of python-telegram-bot."""
    if isinstance(error, RetryAfter):
        return Busy(retry_after_s(error))
    if isinstance(error, InvalidToken | Conflict):
        return Busy(UNAUTHORISED_PAUSE_S)
    if isinstance(error, Forbidden):
        return PlaceClosed(str(error))
    if isinstance(error, BadRequest) or says(error, TOO_LARGE):
        return _kind(str(error))(str(error))
    return Busy()  # no reply, or not one of Telegram's


def retry_after_s(error: RetryAfter) -> float:
    asked = error.retry_after
    return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)


def says(error: Exception, words: str) -> bool:
    return words in str(error).casefold()


def loggable(error: BaseException) -> str:
    """Describe an error for the log: its own text may contain the URL, and with it the token."""
    return type(error).__name__


def _kind(text: str) -> type[ChatError]:
    folded = text.casefold()
    return next((kind for words, kind in _KINDS if words in folded), Refused)
