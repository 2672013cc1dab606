"""Try again what the store, or a bug, has interrupted: with growing pauses, and a last try."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.backoff import backoff_s
from bot.handlers.error_boundary import error_boundary

TRIES = 8
"""Together about two minutes: longer than a backup or a restart of the database takes, and short
enough that a person still waits for the reply."""
LONGEST_PAUSE_S = 60.0


async def retry(
    work: Callable[[], Awaitable[object]], *, tries: float = TRIES, failures: int = 0
) -> Exception | None:
    """Run `work` until it raises nothing. Return the last try's error if all of them fail.

    `failures`: how often it has failed already; those count as tries."""
    while True:
        if failures:
            await asyncio.sleep(backoff_s(failures - 1, LONGEST_PAUSE_S))
        with error_boundary() as boundary:
            await work()
            return None
        failures += 1
        if failures >= tries:
            return boundary.error
