"""This file opens something when it is first asked for, once, and closes it in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """Of all who ask, the first one opens it; the others wait for that."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opening = opening
        self._turn = asyncio.Lock()
        self._manager: AbstractAsyncContextManager[T] | None = None
        self._opened: T

    async def __aenter__(self) -> Self:
        return self

    async def get(self) -> T:
        """Raises what opening raises, and tries again the next time."""
        async with self._turn:
            if self._manager is None:
                manager = self._opening()
                self._opened = await manager.__aenter__()
                self._manager = manager
            return self._opened

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        manager, self._manager = self._manager, None
        if manager:
            await manager.__aexit__(kind, error, at)
