"""Call an object that lives on one event loop from any other loop."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any


class LoopProxy:
    """Behaves like the object, except that its coroutines run on the object's loop and can be
    awaited on any loop."""

    def __init__(self, inner: object, loop: asyncio.AbstractEventLoop) -> None:
        self.inner = inner
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def there(*args: Any, **given: Any) -> Any:
            work = asyncio.run_coroutine_threadsafe(found(*args, **given), self._loop)
            return await asyncio.wrap_future(work)

        return there
