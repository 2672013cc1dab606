"""An event loop whose clock a test can advance, so no test waits for a platform's delays. Unlike
virtual_loop.py, sockets and threads work as usual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any


class ForwardLoop(asyncio.SelectorEventLoop):
    """Event loop whose timers fire `forward` seconds earlier; other clocks are unaffected."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self._ahead_s

    def forward(self, seconds: float) -> None:
        self._ahead_s += seconds


def forward(seconds: float) -> None:
    """Advance the running loop's clock."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ForwardLoop)
    loop.forward(seconds)


def forwarding(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on a `ForwardLoop`."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=ForwardLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
