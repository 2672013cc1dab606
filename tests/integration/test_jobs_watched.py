"""A process can watch jobs, through a client of its own, while another one works on them."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest

from core.backends.storage.database import engine_for_jobs
from core.errors import JobCancelled, UnknownJob
from core.jobs.durable_jobs import open_jobs
from core.jobs.workflows import running
from core.model import Progress
from core.sources import Link
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import BEES, SAID, FakeCore

LAG_S = 2.0
"""One second of polling plus the queries' time, on a busy machine."""


@pytest.fixture
async def processes(tmp_path):
    """Yield the fakes, the worker's jobs, and the jobs of a process that only watches."""
    (tmp_path / "scratch").mkdir()
    world = FakeCore(tmp_path / "scratch", transcriber=WaitingTranscriber(*SAID))
    ingest, url = world.ingest(), f"sqlite:///{tmp_path}/jobs.db"
    run = partial(running, url, "here", 1, ingest)
    async with AsyncExitStack() as stack:
        worker, watcher = [
            await stack.enter_async_context(
                open_jobs(url, engine_for_jobs(url), ingest, each, tmp_path / "lock")
            )
            for each in (run, None)
        ]
        yield world, worker, watcher


async def submit(world, jobs, channel="hive"):
    return await jobs.submit(await world.ingest().order(Link(BEES.id), channel, "en"))


async def test_progress_is_seen_and_a_late_watcher_begins_with_the_latest(processes):
    world, _, watcher = processes
    job = await submit(world, watcher)
    await world.transcriber.began.wait()
    for _ in range(2):
        async with asyncio.timeout(LAG_S):
            async for progress in watcher.watch(job):
                if progress.stage == "transcribe":
                    break
    [listed] = await watcher.pending()
    assert listed.progress.stage == "transcribe"
    world.transcriber.go_on.set()
    order, _ = await watcher.outcome(job)
    assert order.video_id == BEES.id
    assert [progress async for progress in watcher.watch(job)] == []


async def test_the_end_of_a_cancelled_or_forgotten_job_is_seen(processes):
    world, worker, watcher = processes
    jobs = [await submit(world, worker, channel) for channel in ("hive", "sea")]
    await world.transcriber.began.wait()
    ends = [asyncio.create_task(watcher.outcome(job)) for job in jobs]
    await asyncio.sleep(0.1)
    await worker.cancel(jobs[0])
    assert await worker.forget("sea") == [BEES.id]
    async with asyncio.timeout(LAG_S):
        first, second = await asyncio.gather(*ends, return_exceptions=True)
    assert isinstance(first, JobCancelled)
    assert isinstance(second, JobCancelled | UnknownJob)


async def test_waiting_jobs_are_shown_as_waiting(processes):
    world, worker, watcher = processes
    await submit(world, worker)
    await world.transcriber.began.wait()
    other = await worker.submit(await world.ingest().order(Link("bbbbbbbbbbb"), "hive", "en"))
    async with asyncio.timeout(LAG_S):
        assert await anext(watcher.watch(other)) == Progress("wait")
    world.transcriber.go_on.set()
