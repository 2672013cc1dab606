"""The contract of `Jobs`, in memory and on DBOS."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from core.backends.storage.database import engine_for_jobs
from core.errors import JobCancelled, NoSpeech, NotMedia, UnknownJob, VideoPrivate
from core.jobs.durable_jobs import open_jobs
from core.jobs.workflows import running
from core.sources import File, Link
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.jobs import FakeJobs
from tests.fakes.transcriber import FakeTranscriber, WaitingTranscriber
from tests.harness.fake_core import BEES, SAID, VIDEOS, FakeCore

LINK, OTHER, THIRD = Link(BEES.id), Link("bbbbbbbbbbb"), Link("ccccccccccc")


@pytest.fixture
def world(tmp_path):
    return FakeCore(tmp_path / "scratch")


@pytest.fixture(params=["fake", "dbos"])
def opened(request, world, tmp_path):
    (tmp_path / "scratch").mkdir()
    url = f"sqlite:///{tmp_path}/jobs.db"

    @asynccontextmanager
    async def in_memory():
        yield FakeJobs(world.ingest())

    def on_dbos():
        ingest = world.ingest()
        run = partial(running, url, "here", 1, ingest)
        return open_jobs(url, engine_for_jobs(url), ingest, run, tmp_path / "lock")

    return in_memory if request.param == "fake" else on_dbos


async def submit(world, jobs, source=LINK, channel="hive"):
    return await jobs.submit(await world.ingest().order(source, channel, "en"))


async def test_a_job_comes_to_a_video_that_its_channel_knows(world, opened):
    async with opened() as jobs:
        job = await submit(world, jobs)
        stages = [progress.stage async for progress in jobs.watch(job)]
        order, notes = await jobs.outcome(job)
    assert order.video_id == BEES.id
    assert notes == ()
    assert (await world.store.videos.transcript(BEES.id)).segments == SAID
    assert [video.id for video in await world.store.library.videos("hive")] == [BEES.id]
    told = list(dict.fromkeys(stage for stage in stages if stage != "wait"))
    assert told == ["resolve", "download", "load", "transcribe", "summarise", "index"]


async def test_five_orders_from_anywhere_are_heard_once_and_known_to_each_channel(world, opened):
    channels = ("one", "two", "three", "four", "five")
    async with opened() as jobs:
        orders = [await submit(world, jobs, channel=channel) for channel in channels]
        await asyncio.gather(*(jobs.outcome(job) for job in orders))
    assert len(world.transcriber.heard) == 1
    assert world.fetcher.calls == ["look_up", "download"]
    for channel in channels:
        assert [video.id for video in await world.store.library.videos(channel)] == [BEES.id]


async def test_what_a_job_fails_with_is_told_to_everybody_who_asks(world, opened):
    world.fetcher = FakeFetcher(failures={"look_up": VideoPrivate()})
    async with opened() as jobs:
        job = await submit(world, jobs)
        for _ in range(2):
            with pytest.raises(VideoPrivate):
                await jobs.outcome(job)
        assert await jobs.pending() == []
    assert await world.store.videos.get(BEES.id) is None


async def test_what_ended_is_listed_with_its_error_and_how_long_it_waited(world, opened):
    begun, failures = datetime.now(UTC), {}
    world.fetcher = FakeFetcher(*VIDEOS, failures=failures)
    world.transcriber = WaitingTranscriber(*SAID)
    async with opened() as jobs:
        done = await submit(world, jobs)
        await world.transcriber.began.wait()
        failed, unwanted = await submit(world, jobs, OTHER), await submit(world, jobs, THIRD, "sea")
        assert await jobs.ended(begun) == []
        await jobs.cancel(unwanted)
        failures["look_up"] = VideoPrivate()
        world.transcriber.go_on.set()
        await asyncio.gather(jobs.outcome(done), jobs.outcome(failed), return_exceptions=True)
        assert jobs.worker() == "here"
        ended = {job.id: job for job in await jobs.ended(begun)}
        assert await jobs.ended(datetime.now(UTC) + timedelta(seconds=1)) == []
    assert list(ended) == [done, failed, unwanted]
    assert ended[done].error is None
    assert isinstance(ended[failed].error, VideoPrivate)
    assert isinstance(ended[unwanted].error, JobCancelled)
    assert [job.order.channel for job in ended.values()] == ["hive", "hive", "sea"]
    assert ended[unwanted].waited_s is None  # nobody ever worked on it
    assert ended[done].waited_s >= 0 <= ended[failed].waited_s
    for job in ended.values():
        assert begun - timedelta(seconds=1) < job.ordered_at <= job.ended_at


async def test_a_failure_of_shared_work_names_each_orders_own_file(world, opened, tmp_path):
    world.transcriber = FakeTranscriber(failure=NotMedia("5e0f"))
    path = tmp_path / "5e0f"
    path.write_bytes(b"buzz")
    async with opened() as jobs:
        names = ("smith.mp3", "lecture.mp3")
        sources = [File(path, name) for name in names]
        orders = [await submit(world, jobs, source, source.name) for source in sources]
        for job, name in zip(orders, names, strict=True):
            with pytest.raises(NotMedia) as failure:
                await jobs.outcome(job)
            assert failure.value.name == name


async def test_after_a_failure_the_same_can_be_ordered_again(world, opened):
    world.transcriber = FakeTranscriber()
    async with opened() as jobs:
        with pytest.raises(NoSpeech):
            await jobs.outcome(await submit(world, jobs))
    world.transcriber = FakeTranscriber(*SAID)
    async with opened() as jobs:
        assert await jobs.outcome(await submit(world, jobs))


async def test_what_waits_and_what_is_worked_on_is_listed(world, opened):
    world.transcriber = WaitingTranscriber(*SAID)
    async with opened() as jobs:
        first = await submit(world, jobs)
        await world.transcriber.began.wait()
        second = await submit(world, jobs, OTHER, "sea")
        await told_of(jobs, first, "transcribe")
        found = await jobs.pending()
        assert [(job.id, job.order.channel) for job in found] == [(first, "hive"), (second, "sea")]
        assert [job.progress.stage for job in found] == ["transcribe", "wait"]
        assert [job.id for job in await jobs.pending("sea")] == [second]
        assert await jobs.pending("nowhere") == []
        await told_of(jobs, second, "wait")
        world.transcriber.go_on.set()
        await asyncio.gather(jobs.outcome(first), jobs.outcome(second))
        assert await jobs.pending() == []


async def test_a_cancelled_job_stops_in_the_middle_of_hearing(world, opened):
    world.transcriber = WaitingTranscriber(*SAID)
    async with opened() as jobs:
        job = await submit(world, jobs)
        await world.transcriber.began.wait()
        await jobs.cancel(job)
        async with asyncio.timeout(2):
            await world.transcriber.closed.wait()
        with pytest.raises(JobCancelled):
            await jobs.outcome(job)
        with pytest.raises(UnknownJob):
            await jobs.cancel(job)
        assert await jobs.pending() == []
    assert await world.store.videos.transcript(BEES.id) is None
    assert await world.store.library.videos("hive") == []


async def test_a_job_cancelled_by_one_channel_goes_on_for_the_other(world, opened):
    world.transcriber = WaitingTranscriber(*SAID)
    async with opened() as jobs:
        ours = await submit(world, jobs)
        theirs = await submit(world, jobs, channel="sea")
        await world.transcriber.began.wait()
        await jobs.cancel(ours)
        world.transcriber.go_on.set()
        await jobs.outcome(theirs)
    assert len(world.transcriber.heard) == 1
    assert await world.store.library.videos("hive") == []
    assert [video.id for video in await world.store.library.videos("sea")] == [BEES.id]


async def test_what_a_channel_forgets_is_stopped_and_not_known_as_a_job_any_more(world, opened):
    world.transcriber = WaitingTranscriber(*SAID)
    async with opened() as jobs:
        theirs = await submit(world, jobs, OTHER, "sea")
        await world.transcriber.began.wait()
        world.transcriber.go_on.set()
        await jobs.outcome(theirs)
        world.transcriber = WaitingTranscriber(*SAID)
        ours = await submit(world, jobs)
        assert await jobs.forget("hive", BEES.id) == [BEES.id]
        with pytest.raises(UnknownJob):
            await jobs.outcome(ours)
        assert (await jobs.outcome(theirs))[0].channel == "sea"
        assert await jobs.forget("sea") == []
        with pytest.raises(UnknownJob):
            await jobs.outcome(theirs)


async def test_a_job_that_nobody_ordered_is_unknown(opened):
    async with opened() as jobs:
        for ask in (jobs.outcome, jobs.cancel):
            with pytest.raises(UnknownJob):
                await ask("nothing")


async def told_of(jobs, job, stage):
    async for progress in jobs.watch(job):
        if progress.stage == stage:
            return
    raise AssertionError(f"never in {stage}")
