"""Translate discord.py's errors into ChatError.

The codes are Discord's: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import aiohttp
import discord

from bot.chat import Busy, ChatError, MessageGone, PlaceClosed, Refused, TooOld

CALL_TIMEOUT_S = 50.0
"""Calls that take longer are cancelled; aiohttp alone would wait for five minutes."""

UNAUTHORISED_PAUSE_S = 300.0
"""Cloudflare blocks a machine after 10,000 refused requests in ten minutes."""

THREAD_EXISTS = 160004
MISSING_PERMISSIONS = 50013
ARCHIVED = 50083
_KINDS: dict[int, type[ChatError]] = {
    10008: MessageGone,
    30046: TooOld,  # over an hour old, and edited too often
    10003: PlaceClosed,
    50001: PlaceClosed,
    50007: PlaceClosed,  # the person does not accept private messages
    MISSING_PERMISSIONS: PlaceClosed,
    ARCHIVED: PlaceClosed,  # and locked: otherwise posting reopens it
    20016: Busy,  # slow mode
    20028: Busy,
    200000: Refused,  # by the server's AutoMod, which may answer with status 403
    200001: Refused,
    40333: Busy,  # from Cloudflare
}

FAILURES = (
    discord.DiscordException,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    json.JSONDecodeError,  # a truncated response
)
"""Every error that a call to Discord can raise."""


@asynccontextmanager
async def translate_errors(
    client: discord.Client, overrides: Mapping[int, type[ChatError]] = MappingProxyType({})
) -> AsyncIterator[None]:
    """Limit a call to CALL_TIMEOUT_S, and let only ChatError out. `overrides`: codes that mean
    something else for this call."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            yield
    except TimeoutError as error:
        # During a global rate limit discord.py makes all calls wait for one of them. If that one
        # is cancelled, it never releases the others (http.py of 2.7.1, line 752).
        client.http._global_over.set()
        raise Busy from error
    except FAILURES as error:
        code = error.code if isinstance(error, discord.HTTPException) else 0
        raise (overrides[code](code) if code in overrides else translate(error)) from error


def translate(error: Exception) -> ChatError:
    """Return the ChatError for an error of discord.py."""
    if isinstance(error, discord.RateLimited):
        return Busy(error.retry_after)
    if not isinstance(error, discord.HTTPException):
        return Busy()
    if error.status == 401:
        return Busy(UNAUTHORISED_PAUSE_S)
    kind = _KINDS.get(error.code) or _kind_of_status(error)
    return Busy(_retry_after_s(error)) if kind is Busy else kind(f"{error.status} {error.code}")


def _kind_of_status(error: discord.HTTPException) -> type[ChatError]:
    if error.status == 429 or error.status >= 500 or _is_page(error):
        return Busy
    return PlaceClosed if error.status == 403 else Refused


def _is_page(error: discord.HTTPException) -> bool:
    """Detect an HTML page: Cloudflare answered instead of Discord."""
    return error.text.lstrip().startswith("<")


def _retry_after_s(error: discord.HTTPException) -> float | None:
    try:
        return float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None


def loggable(error: Exception) -> str:
    """Describe an error for the log: its own text may contain the URL, and with it a token."""
    return f"{type(error).__name__} {getattr(error, 'code', '')}".rstrip()
