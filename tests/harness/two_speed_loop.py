"""An event loop whose clock skips the time in which nothing is done.

DBOS polls its queues in threads, by the time of the machine, so it cannot run on the clock of
virtual_loop.py, which would pass days while a thread waits for a quarter of a second. Here the time
is real while somebody says that work is under way, or another thread works; else the next timer is
due at once. Dates stand still: only what waits by the loop's clock is early.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

_GRACE_S = 0.02
"""How long to look whether a thread has a reply. Then nobody waits for the interpreter's lock."""
_FAR_S, _LOOKS = 60.0, 10
"""A timer that is farther away is reached only after as many looks: it may be a limit on what a
thread is about to reply, between two tries for a lock."""
_TASKS = Path("/proc/self/task")


class _Skipping(selectors.SelectSelector):
    """Selector that adds a timeout to the clock instead of waiting while nothing is `held`."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped_s = 0.0
        self.held = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= _GRACE_S or self.held:
            return super().select(timeout)
        for _ in range(_LOOKS if timeout > _FAR_S else 1):
            events = super().select(_GRACE_S)
            if events or self.held or _other_threads_work():
                return events
        self.skipped_s += timeout - _GRACE_S
        return []


def _other_threads_work() -> bool:
    """Whether one runs or waits for the disk, as the threads of aiosqlite do, of which the loop
    knows nothing."""
    own = str(threading.get_native_id())
    for task in _TASKS.iterdir():
        with suppress(OSError):  # it has ended meanwhile
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            if state in "RD" and task.name != own:
                return True
    return False


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
