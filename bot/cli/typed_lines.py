"""Read standard input without blocking the event loop."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import AsyncGenerator


async def typed_lines(prompt: str) -> AsyncGenerator[str]:
    """Yield the lines of standard input. On a terminal an empty line ends it too.

    A daemon thread reads: reading can't be interrupted, and the program must not wait for it at
    exit."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # invalid bytes must not end the input
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
        return input(prompt)  # unlike readline(), it allows line editing
    except EOFError:
        return None
