"""Serve `/metrics`, `/healthz` and `/readyz` on 127.0.0.1, to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from bot.monitoring.readiness import Connected, Readiness
from core.bootstrap import ChatCore
from core.errors import ConfigInvalid

HOST = "127.0.0.1"
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@asynccontextmanager
async def serving_metrics(
    core: ChatCore, port: int, platforms: Mapping[str, Connected], *, works: bool
) -> AsyncIterator[None]:
    """Answer on the port until closed. `platforms` and `works`: see Readiness.

    Raises ConfigInvalid if the port cannot be opened."""
    clock = asyncio.get_running_loop().time
    readiness = Readiness(core, platforms, works=works, clock=clock)
    began = clock()

    async def metrics(request: web.Request) -> web.Response:
        if core.observer is None:
            raise web.HTTPNotFound
        body = await core.observer.text()
        return web.Response(body=body, headers={"Content-Type": _CONTENT_TYPE})

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"alive": True, "since_s": round(clock() - began, 1)})

    async def readyz(request: web.Request) -> web.Response:
        health = await readiness.health()
        said = {"ready": health.is_ready, "checks": dict(health.reasons)}
        return web.json_response(said, status=200 if health.is_ready else 503)

    app = web.Application()
    app.add_routes(
        [web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise ConfigInvalid("metrics.port", "it cannot be opened") from error
        yield
    finally:
        await runner.cleanup()
