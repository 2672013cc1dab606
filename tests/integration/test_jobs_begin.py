"""Jobs start, or the reason why they cannot is raised; they continue after a failure."""

import asyncio
import fcntl
from contextlib import asynccontextmanager
from functools import partial

import pytest

from core.backends.storage.database import engine_for_jobs
from core.errors import StoreBroken
from core.jobs.durable_jobs import open_jobs
from core.jobs.workflows import running
from core.sources import Link
from tests.harness.eventually import eventually
from tests.harness.fake_core import BEES, FakeCore


@pytest.fixture
def world(tmp_path):
    return FakeCore(tmp_path)


def failing_once(run):
    """Wrap `run` so that its first call finds a full disk."""
    tries = []

    @asynccontextmanager
    async def run_or_fail(poller):
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no space left")
        async with run(poller):
            yield

    return run_or_fail


async def test_what_keeps_a_process_from_working_is_raised(world, tmp_path):
    @asynccontextmanager
    async def run(_):
        raise StoreBroken("no")
        yield

    url = f"sqlite:///{tmp_path}/jobs.db"
    with pytest.raises(StoreBroken):
        async with open_jobs(url, engine_for_jobs(url), world.ingest(), run, tmp_path / "lock"):
            pass


async def test_a_process_that_takes_over_tries_until_it_works_and_says_how_it_stands(
    world, tmp_path
):
    url, ingest = f"sqlite:///{tmp_path}/jobs.db", world.ingest()
    run = failing_once(partial(running, url, "here", 1, ingest))
    with (tmp_path / "lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        async with open_jobs(url, engine_for_jobs(url), ingest, run, tmp_path / "lock") as jobs:
            job = await jobs.submit(await ingest.order(Link(BEES.id), "hive", "en"))
            states = [jobs.worker()]
            held.close()
            await eventually(lambda: jobs.worker() == "failing")
            async with asyncio.timeout(30):
                order, _ = await jobs.outcome(job)
            states.append(jobs.worker())
    assert order.video_id == BEES.id
    assert states == ["elsewhere", "here"]


async def test_work_goes_on_where_nothing_can_be_tidied(world, tmp_path):
    async def fail(*_: object) -> None:
        raise StoreBroken("not now")

    world.store.checkpoints.purge = fail
    url, ingest = f"sqlite:///{tmp_path}/jobs.db", world.ingest()
    run = partial(running, url, "here", 1, ingest)
    async with open_jobs(url, engine_for_jobs(url), ingest, run, tmp_path / "lock") as jobs:
        job = await jobs.submit(await ingest.order(Link(BEES.id), "hive", "en"))
        async with asyncio.timeout(30):
            assert await jobs.outcome(job)
