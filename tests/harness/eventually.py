"""Poll until a condition holds."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 120.0
_SHORTEST_S, _LONGEST_S = 0.02, 0.25
_PAUSES = 10
"""A pause lasts this part of what has been waited."""
T = TypeVar("T")


async def eventually(find: Callable[[], Awaitable[T] | T], patience_s: float = PATIENCE_S) -> T:
    """Poll `find` until it returns something truthy, and return that.

    The longer it has waited, the longer it pauses: polling at a steady 20 ms took the test and
    Discord's counterpart more CPU than the program that they waited for."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    give_up_at = began_at + patience_s
    while True:
        found = find()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert loop.time() < give_up_at, "in vain"
        waited_s = loop.time() - began_at
        await asyncio.sleep(min(max(waited_s / _PAUSES, _SHORTEST_S), _LONGEST_S))
