"""Forget what a bot has left, in a process of its own that dies as soon as the store has committed
it: before caches, copies, the write-ahead log and videos that no channel knows are cleaned.

    python -m tests.harness.forgetting_process DATA SECONDS_FROM_NOW
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import Pool

from tests.fakes.chat import FakeChat
from tests.harness.file_bot import running


def die_after_forgetting() -> None:
    def note(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        if statement.startswith("DELETE FROM library"):
            connection.info["forgets"] = True

    def die(_: Any, record: Any) -> None:
        if record.info.get("forgets"):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Pool, "checkin", die)  # a connection is checked in after its commit


async def main(data: Path, later: timedelta) -> None:
    async with running(data, FakeChat()) as bot:
        die_after_forgetting()
        await bot.handlers.departures.forget_left(datetime.now(UTC) + later)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2]))))
