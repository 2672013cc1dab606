"""This file reads what people type without keeping the program from anything else."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import AsyncGenerator


async def typed_lines(prompt: str) -> AsyncGenerator[str]:
    """Lines of standard input until it ends; on a terminal an empty line ends it too.

    Read in a daemon thread: reading cannot be interrupted, and leaving must not wait for it."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # whatever is piped in, it is read to its end
    loop = asyncio.get_running_loop()
    wanted = threading.Semaphore(0)
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        while wanted.acquire():
            loop.call_soon_threadsafe(lines.put_nowait, _read(prompt))

    threading.Thread(target=read, daemon=True).start()
    while True:
        wanted.release()
        line = await lines.get()
        if line is None or (sys.stdin.isatty() and not line.strip()):
            return
        yield line


def _read(prompt: str) -> str | None:
    if not sys.stdin.isatty():
        return sys.stdin.readline() or None
    try:
        return input(prompt)  # not readline(): it lets people edit their line
    except EOFError:
        return None
