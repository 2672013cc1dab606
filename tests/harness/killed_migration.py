"""Open a store in a process that stops, or kills itself, before its SQL statements and commits."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
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

    _open_calling(url, survive)
    pipe.send(next(numbers))


def open_in_steps(url: str, pipe: Connection) -> None:
    """Open the store; before each statement and commit send True and wait for a reply. Then send
    False."""

    def wait(*_: object) -> None:
        pipe.send(True)
        pipe.recv()

    _open_calling(url, wait)
    pipe.send(False)


def _open_calling(url: str, before_each: Callable[..., None]) -> None:
    event.listen(Engine, "before_cursor_execute", before_each)
    event.listen(Engine, "commit", before_each)
    asyncio.run(_open(url))


async def _open(url: str) -> None:
    async with open_store(url):
        pass
