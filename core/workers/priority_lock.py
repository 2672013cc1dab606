"""A lock that serves urgent waiters first, so that questions do not queue behind ingests."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PriorityLock:
    """A mutual-exclusion lock: urgent waiters in order of arrival, then the others.

    Cancelling a waiter costs no other waiter its turn."""

    def __init__(self) -> None:
        self._is_held = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def __call__(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """`async with lock(urgent=True): ...`"""
        await self._acquire(self._urgent if urgent else self._others)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._is_held:
            self._is_held = True
            return
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the lock was handed to us just before
                self._release()
            raise

    def _release(self) -> None:
        """Hand the lock to the next waiter. It stays held, so that no newcomer can overtake."""
        for queue in (self._urgent, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():  # otherwise that waiter was cancelled
                    turn.set_result(None)
                    return
        self._is_held = False
