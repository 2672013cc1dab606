"""Let one process of a data folder serve a platform: during an overlapping restart two would both
deliver what is left in the outbox, and answer every message twice.

Two data folders with one token: of Telegram's pollers one waits (telegram_adapter/rivalry.py).
Discord gives every event to both and knows no conflict, but keeps one message of two with the same
key, and both derive their keys from the event.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

_RETRY_S = 0.5


@asynccontextmanager
async def serving_alone(
    data_dir: Path, platform: str, on_waiting: Callable[[], object] = lambda: None
) -> AsyncIterator[None]:
    """Wait until no other process serves the platform; none can during the block. `on_waiting`:
    called if one does.

    The system frees the lock however a process ends."""
    with (data_dir / f"{platform}.lock").open("ab") as lock:
        if not _is_held(lock):
            log.warning("%s waits until another process of this data folder ends", platform)
            on_waiting()
            while not _is_held(lock):  # noqa: ASYNC110 – a lock of the system cannot be awaited
                await asyncio.sleep(_RETRY_S)
        yield


def _is_held(lock: IO[bytes]) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
