"""Open a store in a process that kills itself at a chosen SQL statement."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import count
from multiprocessing.connection import Connection

import alembic.command  # noqa: F401  (imported before the fork, so no child pays for it)
from sqlalchemy import Engine, event

from core.backends.storage.store import open_store


def open_and_die(url: str, fatal: int, pipe: Connection) -> None:
    """Open the store; die before statement or commit number `fatal`, or send the total count."""
    numbers = count()

    def survive(*_: object) -> None:
        if next(numbers) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", survive)
    event.listen(Engine, "commit", survive)
    asyncio.run(_open(url))
    pipe.send(next(numbers))


async def _open(url: str) -> None:
    async with open_store(url):
        pass
