"""An event loop whose clock a test can move forward: nobody waits for what a platform
wants to be waited for. Unlike in virtual_loop.py, sockets and threads work as ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any


class ForwardLoop(asyncio.SelectorEventLoop):
    """What waits wakes `forward` seconds earlier; the clocks of others go on as they went."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self._ahead_s

    def forward(self, seconds: float) -> None:
        self._ahead_s += seconds


def forward(seconds: float) -> None:
    """Moves the running loop's clock."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ForwardLoop)
    loop.forward(seconds)


def forwarding(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a test run on such a loop."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=ForwardLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
