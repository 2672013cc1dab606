"""Poll until a condition holds."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 120.0
T = TypeVar("T")


async def eventually(find: Callable[[], Awaitable[T] | T], patience_s: float = PATIENCE_S) -> T:
    """Poll `find` until it returns something truthy, and return that."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + patience_s
    while True:
        found = find()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert loop.time() < give_up_at, "in vain"
        await asyncio.sleep(0.02)
