"""Run a chat counterpart in a thread and an event loop of its own, so a bot that blocks its loop
cannot block the platform."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from aiohttp import web

T = TypeVar("T")


class PlatformServer:
    """Base of the Discord and Telegram counterparts. `defects`: failures of the counterpart itself;
    any of them fails the test."""

    url: str
    _runner: web.AppRunner

    def __init__(self, name: str) -> None:
        self.defects: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.wait(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.wait(self._stop())
        finally:
            self._end()
        if self.defects:
            raise AssertionError("\n".join(self.defects))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the platform's loop and wait for it, from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Simulate an outage: cut every connection and accept no new ones."""
        self.wait(self._leave())
        try:
            yield
        finally:
            self.wait(self._come_back())

    async def _start(self) -> None:
        raise NotImplementedError

    async def _stop(self) -> None:
        raise NotImplementedError

    async def _listen(self, app: web.Application, **options: Any) -> None:
        """Start listening and set `url`."""
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, **options)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def _leave(self) -> None:
        for site in list(self._runner.sites):
            await site.stop()
        assert self._runner.server
        for line in self._runner.server.connections:
            if line.transport:
                line.transport.abort()

    async def _come_back(self) -> None:
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
