"""This file translates what discord.py raises into ChatError. The codes are Discord's:
https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
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
"""A call that takes longer is given up: aiohttp alone would wait for five minutes."""

UNAUTHORISED_PAUSE_S = 300.0
"""Ten thousand refusals in ten minutes, and Cloudflare locks this machine out."""

THREAD_EXISTS = 160004
MISSING_PERMISSIONS = 50013
ARCHIVED = 50083
_KINDS: dict[int, type[ChatError]] = {
    10008: MessageGone,
    30046: TooOld,  # over an hour old, and edited too often
    10003: PlaceClosed,
    50001: PlaceClosed,
    50007: PlaceClosed,  # a person takes no private messages from us
    MISSING_PERMISSIONS: PlaceClosed,
    ARCHIVED: PlaceClosed,  # and locked: else it would open by itself
    20016: Busy,  # slow mode
    20028: Busy,
    200000: Refused,  # by the server's own filter of words, which may say 403
    200001: Refused,
    40333: Busy,  # Cloudflare, in between
}

FAILURES = (
    discord.DiscordException,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    json.JSONDecodeError,  # an answer that was cut
)
"""What a call to Discord may end with."""


@asynccontextmanager
async def translate_errors(
    client: discord.Client, besides: Mapping[int, type[ChatError]] = MappingProxyType({})
) -> AsyncIterator[None]:
    """It ends within a minute, and only ChatError comes out. `besides`: codes that mean something
    else in this place."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            yield
    except TimeoutError as error:
        # discord.py holds everybody back during a global rate limit, and a call that is given up
        # while it waits for its end forgets to let the others go (http.py of 2.7.1, line 724).
        client.http._global_over.set()
        raise Busy from error
    except FAILURES as error:
        code = error.code if isinstance(error, discord.HTTPException) else 0
        raise (besides[code](code) if code in besides else translate(error)) from error


def translate(error: Exception) -> ChatError:
    """What it means to us."""
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
    """Not Discord answered, but Cloudflare before it."""
    return error.text.lstrip().startswith("<")


def _retry_after_s(error: discord.HTTPException) -> float | None:
    try:
        return float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None


def loggable(error: Exception) -> str:
    """For the log: what an error says by itself may hold the address, and that a token."""
    return f"{type(error).__name__} {getattr(error, 'code', '')}".rstrip()
