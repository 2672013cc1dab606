"""An event loop whose clock skips the time in which nothing is done.

DBOS polls its queues in threads, by the time of the machine, so it cannot run on the clock of
virtual_loop.py, which would pass days while a thread waits for a quarter of a second. Here the time
is real while somebody says that work is under way, or a thread works for the loop; else the next
timer is due at once. Dates stand still: only what waits by the loop's clock is early.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any

_GRACE_S = 0.02
"""What a thread that the loop does not know of, as aiosqlite's, has for its reply."""


class _Skipping(selectors.SelectSelector):
    """Selector that adds a timeout to the clock instead of waiting while nothing is `held`."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped_s = 0.0
        self.held = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= _GRACE_S or self.held:
            return super().select(timeout)
        if not (events := super().select(_GRACE_S)) and not self.held:
            self.skipped_s += timeout - _GRACE_S
        return events


class TwoSpeedLoop(asyncio.SelectorEventLoop):
    """Event loop that skips time unless `held`."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return time.monotonic() + self._skipping.skipped_s

    def hold(self) -> None:
        """Let time be real until as many calls of `release`."""
        self._skipping.held += 1

    def release(self) -> None:
        self._skipping.held -= 1

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        self.hold()
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self.release())
        return future


def run_skipping(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` on a TwoSpeedLoop and return its result."""
    with asyncio.Runner(loop_factory=TwoSpeedLoop) as runner:
        return runner.run(work)
