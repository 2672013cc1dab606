"""Run npm's discord-digital-twin as a child process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any, Self

import aiohttp

from tests.counterparts.discord.twin_install import NODE, script

TOKEN = "ODc2NTQzMjEw.tests.only-on-loopback"


class TwinFailed(Exception):
    """The twin refused a request that only a defective front can send."""


class Twin:
    """The twin process. `rest` is its HTTP API, `do` its own commands (twin.mjs), `events` its
    gateway."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def start(self, options: dict[str, Any]) -> Self:
        given = json.dumps({"botToken": TOKEN, **options})
        command = [NODE, "--require", script("loopback.cjs"), script("twin.mjs"), given]
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, limit=2**26
        )
        said = json.loads(await self._process.stdout.readline())
        self.bot_id: str = said["botUserId"]
        self._address = f"127.0.0.1:{said['port']}"
        self._http = aiohttp.ClientSession()
        self._reader = asyncio.create_task(self._read())
        self._gateway = await self._identify()
        return self

    async def stop(self) -> None:
        await self._gateway.close()
        await self._http.close()
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def do(self, verb: str, **given: Any) -> Any:
        """Run one of the twin's own commands. Raises TwinFailed."""
        number = next(self._numbers)
        answered = self._waiting[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "verb": verb, "given": given})
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()
        answer = await answered
        if "error" in answer:
            raise TwinFailed(f"{verb}: {answer['error']}")
        return answer["result"]

    async def rows(self, table: str, action: str, **given: Any) -> Any:
        return await self.do("rows", table=table, action=action, given=given)

    async def rest(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request; return the status and the JSON."""
        url = f"http://{self._address}/api/v10{path}"
        async with self._http.request(method, url, json=body) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        async for message in self._gateway:
            said = json.loads(message.data)
            if said["op"] == 0 and said["t"] not in ("READY", "GUILD_CREATE"):
                yield said["t"], said["d"]

    async def _identify(self) -> aiohttp.ClientWebSocketResponse:
        """Open a gateway session. It sends no heartbeats; the twin does not require them."""
        socket = await self._http.ws_connect(f"ws://{self._address}/gateway", max_msg_size=0)
        await socket.send_json({"op": 2, "d": {"token": TOKEN, "intents": (1 << 31) - 1}})
        async for message in socket:
            if json.loads(message.data)["t"] == "READY":
                break
        return socket

    async def _read(self) -> None:
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            self._waiting.pop(answer["id"]).set_result(answer)
        for future in self._waiting.values():
            future.set_result({"error": "the twin has ended"})
