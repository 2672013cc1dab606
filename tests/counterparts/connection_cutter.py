"""Cut connections: at once, or after hanging until a test releases them."""

from __future__ import annotations

import asyncio

from aiohttp import web


class ConnectionCutter:
    """Cuts the connections of one server; created on that server's loop."""

    def __init__(self) -> None:
        self._released = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def cut(self, request: web.Request, *, hangs: bool) -> web.Response:
        """Cut the connection instead of answering. `hangs`: first hang until `release`."""
        if hangs:
            await self._released.wait()
        if request.transport:
            request.transport.abort()
        return web.Response(status=502)

    def release(self) -> None:
        """Cut every hanging connection. Thread-safe."""
        released, self._released = self._released, asyncio.Event()
        self._loop.call_soon_threadsafe(released.set)
