"""Measure what waiting jobs cost the process that watches them: CPU, and the time to list them.

One job is being transcribed, the others wait behind it, each with a watcher. An idle worker's CPU
comes first: DBOS polls its queues whether or not anything waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median

from core.backends.storage.database import engine_for_jobs
from core.backends.storage.store import open_store, sqlite_url
from core.jobs.durable_jobs import DurableJobs, open_jobs
from core.jobs.workflows import running
from core.model import Video
from core.pipeline.ingest import Ingest
from core.sources import Link
from tests.bench.figures import Row
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import SAID, FakeCore

WAITING = {25: 2.0, 100: 4.0}
"""Number of jobs → the percentage of a core that they may take."""
LISTED, LISTED_MS = 300, 10.0
VIDEOS = [Video(f"video{n:06}", f"Day {n}", "The Hive", 30.0) for n in range(LISTED)]
_SETTLE_S, _MEASURE_S, _LISTINGS = 5.0, 10.0, 9


async def measure(folder: Path) -> list[Row]:
    rows = []
    async with _jobs(folder) as (jobs, ingest):
        idle = await _cpu_percent()
        rows.append(Row("an idle worker: CPU", idle, "%"))
        watchers: list[asyncio.Task[None]] = []
        for number, goal in WAITING.items():
            ids = await _submit(jobs, ingest, VIDEOS[len(watchers) : number])
            watchers += [asyncio.create_task(_watch(jobs, job_id)) for job_id in ids]
            extra = max(await _cpu_percent() - idle, 0.0)
            what = f"{number} waiting jobs: CPU beyond an idle worker"
            rows.append(Row(what, extra, "%", goal))
        await _submit(jobs, ingest, VIDEOS[len(watchers) :])
        await asyncio.sleep(_SETTLE_S)
        rows.append(Row(f"list {LISTED} jobs", await _listing_ms(jobs), "ms", LISTED_MS))
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    return rows


@asynccontextmanager
async def _jobs(folder: Path) -> AsyncIterator[tuple[DurableJobs, Ingest]]:
    async with AsyncExitStack() as stack:
        core = FakeCore(folder, FakeFetcher(*VIDEOS), WaitingTranscriber(*SAID))
        core.store = await stack.enter_async_context(open_store(sqlite_url(folder / "db")))
        ingest, url = core.ingest(), f"sqlite:///{folder / 'db'}"
        run = partial(running, url, "bench", 1, ingest)
        opening = open_jobs(url, engine_for_jobs(url), ingest, run, folder / "lock")
        yield await stack.enter_async_context(opening), ingest


async def _submit(jobs: DurableJobs, ingest: Ingest, videos: list[Video]) -> list[str]:
    orders = [
        await ingest.order(Link(video.id), f"channel {video.id[-1]}", "en") for video in videos
    ]
    return [await jobs.submit(order) for order in orders]


async def _watch(jobs: DurableJobs, job_id: str) -> None:
    async for _ in jobs.watch(job_id):
        pass


async def _cpu_percent() -> float:
    await asyncio.sleep(_SETTLE_S)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    await asyncio.sleep(_MEASURE_S)
    return 100 * (time.process_time() - cpu_s) / (time.perf_counter() - wall_s)


async def _listing_ms(jobs: DurableJobs) -> float:
    took_ms = []
    for _ in range(_LISTINGS):
        begun_s = time.perf_counter()
        assert len(await jobs.pending()) == LISTED
        took_ms.append(1000 * (time.perf_counter() - begun_s))
    return median(took_ms)
