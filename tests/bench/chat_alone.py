"""The bot on Discord with a core in memory, whose videos take a second each.

    python -m tests.bench.chat_alone CONFIG FOLDER

Prints "here" once the bot listens. When its standard input ends, it exits and prints as JSON how
its event loop ran: how many milliseconds late each time, and how many it was busy before. On a
machine with other work, only the second figure is the bot's own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from bot.config import read_config
from core.model import Progress, Video
from core.ports import ProgressCallback
from tests.fakes.fetcher import FakeFetcher
from tests.harness.discord_stage import acting
from tests.harness.fake_core import BEES, FakeCore

QUEUED = tuple(replace(BEES, id=f"queued{n:05}", title=f"Bees, part {n}") for n in range(50))
VIDEO_S = 1.0
TICK_S = 0.005


class SlowFetcher(FakeFetcher):
    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        for tenth in range(10):
            on_progress(Progress("download", tenth / 10))
            await asyncio.sleep(VIDEO_S / 10)
        return await super().download(video, folder, on_progress)


async def main(config: Path, folder: Path) -> None:
    world = FakeCore(folder, fetcher=SlowFetcher(BEES, *QUEUED))
    loop = asyncio.get_running_loop()
    settings = read_config(config)
    async with acting(settings, world, edit_interval_s=1.2):
        told: dict[str, list[float]] = {"late_ms": [], "busy_ms": []}
        watching = asyncio.create_task(watch(**told))
        print("here", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
        watching.cancel()
        print(json.dumps(told), flush=True)


async def watch(late_ms: list[float], busy_ms: list[float]) -> None:
    while True:
        began, computed = time.perf_counter(), time.thread_time()
        await asyncio.sleep(TICK_S)
        late_ms.append(1000 * (time.perf_counter() - began - TICK_S))
        busy_ms.append(1000 * (time.thread_time() - computed))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
