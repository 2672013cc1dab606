"""Fork a program's speech and index children from preloaded servers (tests/harness/warm_start.py)
instead of starting Python for each. A fork's libraries were imported before it is confined."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Any

from core.workers import child_process
from tests.harness.warm_start import WarmProcess

MISBEHAVING = "tests.harness.misbehaving_child"


class WarmChild:
    """A fork with the methods of `asyncio.subprocess.Process` that core/workers uses."""

    def __init__(self, process: WarmProcess) -> None:
        self.pid = process.pid
        self.returncode: int | None = None
        self.stdin: asyncio.StreamWriter
        self.stdout = asyncio.StreamReader(child_process.MAX_LINE_BYTES)
        self.stderr = asyncio.StreamReader(child_process.MAX_LINE_BYTES)
        self._process = process
        self._ended = asyncio.Event()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        for reader, end in (
            (self.stdout, self._process.stdout),
            (self.stderr, self._process.stderr),
        ):
            await loop.connect_read_pipe(
                lambda reader=reader: asyncio.StreamReaderProtocol(reader), os.fdopen(end, "rb", 0)
            )
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            os.fdopen(self._process.stdin, "wb", 0),
        )
        self.stdin = asyncio.StreamWriter(transport, protocol, None, loop)
        loop.add_reader(self._process.connection, self._end)  # last: it closes stdin

    async def wait(self) -> int | None:
        await self._ended.wait()
        return self.returncode

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.connection)
        self.returncode = self._process.exit_code()
        self.stdin.close()
        self._ended.set()


def install(addresses: Mapping[str, str]) -> None:
    """From now on fork what has a server (`warm_start.PRELOADED`); the rest starts as always."""
    start_anew = child_process.run_child

    async def run_child(
        role: str, module: str, environment: Mapping[str, str], files: socket.socket
    ) -> Any:
        kind = {"": role, MISBEHAVING: "misbehaving"}.get(module)
        if kind not in addresses:
            return await start_anew(role, module, environment, files)
        request = {"arguments": [role, *filter(None, [module])], "files": files.fileno()}
        process = await asyncio.to_thread(
            WarmProcess, addresses[kind], environment, [files.fileno()], **request
        )
        child = WarmChild(process)
        await child.open()
        return child

    child_process.run_child = run_child
