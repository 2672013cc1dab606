"""Open a resource on first use, once, and close it at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """A resource that the first `get` opens. Concurrent calls wait for it."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opening = opening
        self._lock = asyncio.Lock()
        self._manager: AbstractAsyncContextManager[T] | None = None
        self._opened: T

    async def __aenter__(self) -> Self:
        return self

    async def get(self) -> T:
        """Raise what opening raises; the next call tries again."""
        async with self._lock:
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
