"""Run backends in a child process: start it, send requests in turn, replace it after failures.

A child runs child_main.py. Requests and replies are lines of JSON over its standard streams.
Replies are parsed into values, never executed: the child's libraries read files from strangers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, BinaryIO, Self

from core.errors import CoreError, WorkerFailed, WorkerTimeout, from_code
from core.json_values import from_plain
from core.model import Progress
from core.ports import ProgressCallback
from core.workers.child_process import ChildProcess
from core.workers.limits import ChildLimits
from core.workers.priority_lock import PriorityLock
from core.workers.protocol import encode

log = logging.getLogger(__name__)

Versions = tuple[str | None, ...]


class ChildSupervisor:
    """Serves one request at a time. Starts the child when a request needs one."""

    def __init__(
        self,
        limits: ChildLimits,
        setup: Mapping[str, object],
        module: str = "",
    ) -> None:
        """`setup`: what the child needs to build its backends: its own, or those of `module`."""
        self.limits = limits
        self._setup = setup
        self._module = module
        self._turn = PriorityLock()
        self._child: ChildProcess | None = None
        self._versions: Versions = ()
        """Of the child's packages, when it was started."""
        self._idle_timer: asyncio.Task[None] | None = None
        self.starts = self.failures = 0
        """How many children were started, and how many of them failed."""

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
        **args: Any,
    ) -> Any:
        """Return the method's result as JSON values. Urgent requests are served first."""
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
        file: BinaryIO | None = None,
        **args: Any,
    ) -> AsyncGenerator[Any]:
        """Yield the method's results one by one. Closing early kills a disposable child at once.
        The method gets an open `file` as it is, also one that the child may not open.

        Raises the backend's own error, WorkerFailed, WorkerOutOfMemory or WorkerTimeout."""
        async with self._turn(urgent=urgent):
            child = await self._ready_child()
            try:
                request = encode({"method": method, "args": args, "has_file": bool(file)})
                await child.send(request, self.limits.method_timeouts_s.get(method), file)
                while "done" not in (reply := await child.reply()):
                    if "progress" in reply:
                        (on_progress or _ignore)(from_plain(Progress, reply["progress"]))
                    elif "error" in reply:
                        raise _error(reply["error"])
                    else:
                        yield reply["item"]
            except (WorkerFailed, WorkerTimeout):
                self.failures += 1
                log.warning("the %s child failed", self.limits.name, exc_info=True)
                await self.end()  # after MemoryError too, to free all its memory
                raise
            finally:
                await self._release(child)

    async def end(self) -> None:
        """Kill the child with every process it started. The next request starts a new one."""
        self._cancel_idle_timer()
        child, self._child = self._child, None
        if child:
            await child.end()

    async def _ready_child(self) -> ChildProcess:
        self._cancel_idle_timer()
        installed = await asyncio.to_thread(installed_versions, self.limits.packages)
        if self._child and None not in installed and installed != self._versions:
            log.info("the %s child is replaced: %s", self.limits.name, installed)
            await self.end()
        if self._child and not self._child.is_alive:
            await self.end()
        if self._child is None:
            self._versions = installed
            self._child = await ChildProcess.start(self.limits, self._module, self._setup)
            self.starts += 1
        return self._child

    async def _release(self, child: ChildProcess) -> None:
        """Keep a child that can serve another request; end any other."""
        if child is not self._child:
            return
        is_usable = False
        try:
            is_usable = await self._drain(child) and not child.needs_replacing()
        finally:
            if not is_usable:
                await self.end()
        if is_usable and self.limits.idle_timeout_s is not None:
            self._idle_timer = asyncio.create_task(self._end_after(self.limits.idle_timeout_s))

    async def _drain(self, child: ChildProcess) -> bool:
        """Let an abandoned request finish; its replies must not be taken for the next one's.

        Returns whether the child is idle."""
        if child.is_busy and not self.limits.disposable:
            with suppress(WorkerFailed, WorkerTimeout, TimeoutError):
                async with asyncio.timeout(self.limits.drain_s):
                    while child.is_busy:
                        await child.reply()
        return not child.is_busy

    async def _end_after(self, idle_timeout_s: float) -> None:
        await asyncio.sleep(idle_timeout_s)
        self._idle_timer = None
        await self.end()

    def _cancel_idle_timer(self) -> None:
        if self._idle_timer:
            self._idle_timer.cancel()
            self._idle_timer = None


def installed_versions(packages: Sequence[str]) -> Versions:
    """The packages' versions on disk now, None for one that is not there, as during an update.

    An update takes some seconds; a child that starts in the middle fails, and its job is told."""
    return tuple(_installed_version(package) for package in packages)


def _installed_version(package: str) -> str | None:
    try:
        return version(package)
    except (PackageNotFoundError, OSError):  # or no file handle is free
        return None


def _error(reply: dict[str, Any]) -> CoreError:
    facts = {
        name: tuple(fact) if isinstance(fact, list) else fact
        for name, fact in reply["facts"].items()
    }
    return from_code(reply["code"], facts)


def _ignore(progress: Progress) -> None:
    pass
