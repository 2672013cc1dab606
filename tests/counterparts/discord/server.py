"""A Discord counterpart on loopback: npm's discord-digital-twin behind a front that refuses what
Discord refuses.

    @pytest.fixture(scope="module")
    def platform():
        with serving(window_s=0.5) as platform:
            yield platform

    async def test_…(platform):
        ...                                   # a bot of this process, or of another: `environment`
        message = await platform.people.write(platform.people.channel, "https://youtu.be/…")
        assert platform.front.refused == []

`front` is the HTTP side, `gateway` the events, `people` everyone except the bot, `world` the
platform's state.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.counterparts.discord import events
from tests.counterparts.discord.gateway import Gateway
from tests.counterparts.discord.http_front import API, Front
from tests.counterparts.discord.people import People
from tests.counterparts.discord.redirect import addresses, point
from tests.counterparts.discord.twin import TOKEN, Twin
from tests.counterparts.discord.twin_install import HERE, NotInstalled, folder
from tests.counterparts.discord.world import World
from tests.counterparts.loop_proxy import LoopProxy
from tests.counterparts.platform_server import PlatformServer

__all__ = ["TOKEN", "DiscordServer", "serving"]


@contextmanager
def serving(**options: Any) -> Iterator[DiscordServer]:
    """Start a DiscordServer and redirect this process's discord.py to it. If the twin cannot be
    installed, skip the test; on CI, fail it."""
    try:
        folder()
    except NotInstalled as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"npm could not install discord-digital-twin: {error}")
        pytest.skip("discord-digital-twin is not installed, and npm reaches no registry")
    with DiscordServer(**options) as server, server.pointed():
        yield server


class DiscordServer(PlatformServer):
    """The Discord counterpart. `window_s`: the rate-limit window; Discord's is 5."""

    def __init__(self, *, message_content: bool = True, window_s: float = 5.0) -> None:
        super().__init__("discord")
        self._message_content = message_content
        self._window_s = window_s

    @contextmanager
    def pointed(self) -> Iterator[None]:
        """Redirect this process's discord.py to this server."""
        before = addresses()
        point(self.url + API, self.gateway.url, self.url)
        try:
            yield
        finally:
            point(*before)

    @property
    def environment(self) -> dict[str, str]:
        """Environment that redirects a `tubethread` process to this server."""
        return {"PYTHONPATH": str(HERE / "injected"), "TUBETHREAD_TESTS_DISCORD": self.url}

    async def _start(self) -> None:
        names = {"guild": {"name": "Hive"}, "botUser": {"username": "Tubethread"}}
        twin = await Twin().start(names)
        world = World(twin, message_content=self._message_content)
        front, gateway = Front(world), Gateway(world)
        front.buckets.window_s = self._window_s
        people = People(world, gateway)
        await people.settle()
        self._world, self._gateway, self._front = world, gateway, front
        self.world, self.front = LoopProxy(world, self._loop), front
        self.gateway, self.people = LoopProxy(gateway, self._loop), LoopProxy(people, self._loop)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/gateway", gateway.serve)
        app.router.add_get("/gateway/", gateway.serve)
        app.router.add_get("/attachments/{channel}/{id}/{name}", self._file)
        app.router.add_route("*", API + "/{path:.*}", self._serve)
        await self._listen(app)
        world.cdn = self.url
        gateway.url = front.gateway_url = f"{self.url.replace('http', 'ws')}/gateway"
        self._pump = asyncio.create_task(self._tell_everything())

    async def _stop(self) -> None:
        self.front.release()
        await self._gateway.drop(1001)
        await self._runner.cleanup()
        await self._world.twin.stop()
        await self._pump

    async def _tell_everything(self) -> None:
        async for event, data in self._world.twin.events():
            async with self._world.lock:
                try:
                    told = await events.completed(self._world, event, data)
                    if told is not None:
                        await self._gateway.dispatch(*told)
                except Exception:  # noqa: BLE001  a defect of the counterpart: fails the test
                    self.defects.append(traceback.format_exc())

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._front.serve(request)
        except Exception:  # a defect of the counterpart, as above
            self.defects.append(traceback.format_exc())
            raise

    async def _file(self, request: web.Request) -> web.Response:
        _, content = self._world.files[request.match_info["id"]]
        return web.Response(body=content, content_type="text/plain", charset="utf-8")
