"""This file keeps the child processes in which heavy or hostile work is done, one for each role.

A child runs child.py. Requests and replies are lines of JSON over its standard streams: what
it says is parsed into values, never executed, for its libraries read files made by strangers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import CoreError, WorkerFailed, WorkerTimeout, from_code
from core.model import Progress
from core.ports import ProgressCallback
from core.workers.child_process import ChildProcess
from core.workers.limits import ChildLimits
from core.workers.priority_lock import PriorityLock
from core.workers.protocol import encode, read

log = logging.getLogger(__name__)


class ChildSupervisor:
    """One child, started at the first request and again after it ended; one request at a time."""

    def __init__(
        self,
        role: ChildLimits,
        setup: Mapping[str, object],
        log_file: Path,
        module: str = "core.workers.child_main",
    ) -> None:
        """`setup`: what `module` needs to build its backends. Its errors go to `log_file`."""
        self.role = role
        self._setup = encode(setup)
        self._log_file = log_file
        self._module = module
        self._turn = PriorityLock()
        self._child: ChildProcess | None = None
        self._rest: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.end()

    async def call(
        self,
        method: str,
        on_progress: ProgressCallback | None = None,
        *,
        urgent: bool = False,
        **args: object,
    ) -> Any:
        """The method's result, as JSON holds it. `urgent`: a question waits for it, so it goes
        before all that is not."""
        result = None
        async with aclosing(self.stream(method, on_progress, urgent=urgent, **args)) as items:
            async for item in items:
                result = item
        return result

    async def stream(
        self,
        method: str,
        on_progress: ProgressCallback | None = None,
        *,
        urgent: bool = False,
        **args: object,
    ) -> AsyncGenerator[Any]:
        """The method's results one by one. Raises what the backend raised, or WorkerFailed,
        WorkerOutOfMemory, WorkerTimeout. Closing it early ends a disposable child at once."""
        async with self._turn(urgent=urgent):
            child = await self._ready_child()
            try:
                request = encode({"method": method, "args": args})
                await child.ask(request, self.role.method_timeouts_s.get(method))
                while "done" not in (reply := await child.word()):
                    if "told" in reply:
                        (on_progress or _silent)(read(Progress, reply["told"]))
                    elif "error" in reply:
                        raise _error(reply["error"])
                    else:
                        yield reply["item"]
            except (WorkerFailed, WorkerTimeout):
                log.warning("the %s child failed", self.role.name, exc_info=True)
                await self.end()  # also one that only ran out of memory: the next finds it all free
                raise
            finally:
                await self._leave(child)

    async def end(self) -> None:
        """Ends the child with all it started. The next request starts another one."""
        self._stay_awake()
        child, self._child = self._child, None
        if child:
            await child.end()

    async def _ready_child(self) -> ChildProcess:
        self._stay_awake()
        if self._child is None or not self._child.is_alive:
            self._child = await ChildProcess.start(
                self.role, self._module, self._setup, self._log_file
            )
        return self._child

    async def _leave(self, child: ChildProcess) -> None:
        """The next request finds a child that is fit for it, or none."""
        if child is not self._child:
            return
        is_fit = False
        try:
            is_fit = await self._finishes(child) and not child.is_worn()
        finally:
            if not is_fit:
                await self.end()
        if is_fit and self.role.idle_timeout_s is not None:
            self._rest = asyncio.create_task(self._end_after(self.role.idle_timeout_s))

    async def _finishes(self, child: ChildProcess) -> bool:
        """No half-done request is left behind: the next replies must be the next request's own."""
        if child.is_busy and not self.role.disposable:
            with suppress(WorkerFailed, WorkerTimeout, TimeoutError):
                async with asyncio.timeout(self.role.drain_s):
                    while child.is_busy:
                        await child.word()
        return not child.is_busy

    async def _end_after(self, idle_timeout_s: float) -> None:
        await asyncio.sleep(idle_timeout_s)
        self._rest = None
        await self.end()

    def _stay_awake(self) -> None:
        if self._rest:
            self._rest.cancel()
            self._rest = None


def _error(told: dict[str, Any]) -> CoreError:
    facts = {
        name: tuple(fact) if isinstance(fact, list) else fact
        for name, fact in told["facts"].items()
    }
    return from_code(told["code"], facts)


def _silent(progress: Progress) -> None:
    pass
