"""Forget videos that a channel has had for longer than the settings allow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from core.errors import CoreError, UnknownVideo
from core.ports import Library, Sleep

log = logging.getLogger(__name__)

_FIRST_S, _PAUSE_S = 60.0, 3600.0

Forget = Callable[[str, str], Awaitable[object]]
"""Forget one video of a channel. Raises UnknownVideo and any other CoreError."""


class Retention:
    """Looks every hour. Any number of processes may do so."""

    def __init__(self, library: Library, forget: Forget, days: int) -> None:
        self._library, self._forget = library, forget
        self._kept = timedelta(days=days)

    async def follow(self, sleep: Sleep = asyncio.sleep) -> None:
        """Forget what is too old, until cancelled."""
        await sleep(_FIRST_S)  # let the start-up finish first
        while True:
            try:
                await self.forget_expired(datetime.now(UTC))
            except CoreError as error:
                log.warning("old videos could not be deleted: %s", error)
            await sleep(_PAUSE_S)

    async def forget_expired(self, now: datetime) -> int:
        """Forget each video that is too old and not pinned; return how many there were.

        One after another, so that a video pinned meanwhile stays."""
        count = 0
        while found := await self._library.expired(now - self._kept):
            with suppress(UnknownVideo):  # another process was faster
                await self._forget(*found)
            count += 1
        if count:
            log.info("deleted %s videos that were older than %s", count, self._kept)
        return count
