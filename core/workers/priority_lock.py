"""This file is a lock that serves the urgent first: questions do not queue behind ingests."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PriorityLock:
    """Held by one at a time and handed on: to the urgent in the order they came, then to others.

    Who is cancelled while waiting loses nobody else's turn."""

    def __init__(self) -> None:
        self._is_held = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def __call__(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """`async with lock(urgent=True): ...`"""
        await self._take(self._urgent if urgent else self._others)
        try:
            yield
        finally:
            self._hand_on()

    async def _take(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._is_held:
            self._is_held = True
            return
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was handed to us just before
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        """It stays held on the way, so that nobody who comes just now gets in between."""
        for queue in (self._urgent, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():  # else who waited was cancelled
                    turn.set_result(None)
                    return
        self._is_held = False
