"""The disk fills up while a job runs: the job fails with an error or waits, but is not lost."""

import asyncio
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from core.backends.storage.database import engine_for_jobs
from core.backends.storage.store import open_store, sqlite_url
from core.errors import CoreError
from core.jobs.durable_jobs import open_jobs
from core.jobs.workflows import running
from core.model import Segment
from core.sources import Link
from core.text.sentence_splitting import split_sentences
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import BEES, FakeCore
from tests.harness.small_disk import NoDisk, small_disk

SAID = tuple(
    Segment(80.0 * n, 80.0 * n + 79, ("Bees dance " * 9 + "here. ") * 24) for n in range(30)
)


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").mkdir()
    try:
        with small_disk(tmp_path / "disk", 12) as mounted:
            yield mounted
    except NoDisk:
        pytest.skip("only root may mount a disk")


@pytest.mark.parametrize("left_bytes", [0, 8192, 60_000])
async def test_a_job_on_a_full_disk_ends_as_told_or_goes_on_when_there_is_space(
    disk, tmp_path, left_bytes
):
    file = disk.folder / "store.db"
    url = f"sqlite:///{file}"
    ears = WaitingTranscriber(*SAID)
    async with open_store(sqlite_url(file)) as store:
        world = FakeCore(tmp_path / "disk", store=store, transcriber=ears)
        ingest = world.ingest()
        order = await ingest.order(Link(BEES.id), "hive", "en")
        lock = tmp_path / "lock"

        def opened():
            return open_jobs(
                url, engine_for_jobs(url), ingest, partial(running, url, "here", 1, ingest), lock
            )

        async with opened() as jobs:
            job = await jobs.submit(order)
            await ears.began.wait()
            disk.fill(left_bytes)
            ears.go_on.set()
            ended = asyncio.create_task(jobs.outcome(job))
            await asyncio.wait({ended}, timeout=5)
            disk.free()
            is_told = ended.done() and isinstance(ended.exception(), CoreError)
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)
        async with opened() as jobs:  # as after a restart
            again = job if not is_told else await jobs.submit(order)
            async with asyncio.timeout(60):
                await jobs.outcome(again)
        assert len((await store.videos.transcript(BEES.id)).segments) == len(split_sentences(SAID))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
