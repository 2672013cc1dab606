"""Whether the program can serve: its platforms are connected, its store can be written, and jobs
are worked on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from core.bootstrap import ChatCore
from core.errors import CoreError
from core.ports import Clock, WorkerState

Connected = Callable[[], bool]
"""Whether events of a platform arrive now."""
_ASKED_EVERY_S = 10.0
"""The store is written for a check no more often than this."""


@dataclass(frozen=True, slots=True)
class Health:
    """`reasons`: a word for each part, "ok" where nothing is wrong with it."""

    reasons: Mapping[str, str]

    @property
    def is_ready(self) -> bool:
        return all(reason == "ok" for reason in self.reasons.values())


class Readiness:
    """Asks every part. `platforms`: those with a token; more may be added and changed later.

    `works`: this process should work on jobs, unless another one does."""

    def __init__(
        self,
        core: ChatCore,
        platforms: Mapping[str, Connected],
        *,
        works: bool,
        clock: Clock,
        timeout_s: float = 5.0,
    ) -> None:
        self._timeout_s = timeout_s
        self._core, self._platforms, self._works = core, platforms, works
        self._clock = clock
        self._store, self._asked_at = "", 0.0

    async def health(self) -> Health:
        """Return within twice the timeout."""
        reasons = {
            name: "ok" if is_connected() else "not connected"
            for name, is_connected in self._platforms.items()
        }
        reasons["store"] = await self._store_health()
        if self._works:
            reasons["worker"] = await self._reason(self._worker())
        return Health(reasons)

    async def _store_health(self) -> str:
        if not self._store or self._clock() - self._asked_at >= _ASKED_EVERY_S:
            self._asked_at = self._clock()
            self._store = await self._reason(self._written())
        return self._store

    async def _written(self) -> str:
        await self._core.check_store()
        return "ok"

    async def _worker(self) -> str:
        state: WorkerState = await self._core.pipeline.worker()
        return "ok" if state in ("here", "elsewhere") else state

    async def _reason(self, check: Awaitable[str]) -> str:
        """What the check says, or the code of what it raises."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await check
        except TimeoutError:
            return "no answer"
        except CoreError as error:
            return error.code
