"""This file translates what python-telegram-bot raises into ChatError. Telegram tells what happened
in words alone: https://github.com/tdlib/telegram-bot-api, Client.cpp.
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

CALL_S = 30.0
"""A call that takes longer is given up."""

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
"""What a call to Telegram may end with."""


@asynccontextmanager
async def translate_errors(limit_s: float = CALL_S) -> AsyncIterator[None]:
    """It ends in time, and only ChatError and ChatMigrated come out."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except ChatMigrated:
        raise
    except FAILURES as error:
        raise translate(error) from error


def translate(error: Exception) -> ChatError:
    """What it means to us."""
    if isinstance(error, RetryAfter):
        return Busy(retry_after_s(error))
    if isinstance(error, InvalidToken | Conflict):
        return Busy(UNAUTHORISED_PAUSE_S)
    if isinstance(error, Forbidden):
        return PlaceClosed(str(error))
    if isinstance(error, BadRequest) or says(error, TOO_LARGE):
        return _kind(str(error))(str(error))
    return Busy()  # an answer that is none, or that did not come


def retry_after_s(error: RetryAfter) -> float:
    asked = error.retry_after
    return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)


def says(error: Exception, words: str) -> bool:
    return words in str(error).casefold()


def loggable(error: BaseException) -> str:
    """For the log: what an error says by itself may hold the address, and that the token."""
    return type(error).__name__


def _kind(text: str) -> type[ChatError]:
    folded = text.casefold()
    return next((kind for words, kind in _KINDS if words in folded), Refused)
