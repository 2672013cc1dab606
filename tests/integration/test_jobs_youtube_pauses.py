"""Jobs wait while YouTube refuses requests, say so, and go on. A pause of five minutes takes one
second here."""

import asyncio
import io
import json
import logging
import time
from contextlib import asynccontextmanager
from functools import partial

import pytest

from bot.cli.log_redaction import JsonFormatter
from core.backends.storage.database import engine_for_jobs
from core.errors import BotCheck, RateLimited
from core.jobs.durable_jobs import open_jobs
from core.jobs.workflows import running
from core.model import Video
from core.pipeline.youtube_gate import PAUSES_S, YouTubeGate
from core.sources import File, Link
from tests.fakes.fetcher import FakeFetcher
from tests.harness.fake_core import FakeCore

VIDEOS = [Video(f"video{n:06}", f"Day {n}", "The Hive", 30.0) for n in range(30)]
FIVE_MINUTES = 1.0
PAUSES = [pause_s / PAUSES_S[0] * FIVE_MINUTES for pause_s in PAUSES_S]


class Limited(FakeFetcher):
    """YouTube, which refuses every request from the first one on for `for_s`. `asked`: when each
    request was made, counted from the first."""

    def __init__(self, for_s, error=RateLimited):
        super().__init__(*VIDEOS)
        self.asked = []
        self._for_s, self._error = for_s, error

    def _begin(self, method):
        super()._begin(method)
        first = self.asked[0] if self.asked else time.time()
        self.asked.append(time.time())
        if time.time() - first < self._for_s:
            raise self._error()


@pytest.fixture
def opened(tmp_path):
    (scratch := tmp_path / "scratch").mkdir()

    @asynccontextmanager
    async def opened(youtube, pauses=PAUSES):
        gate = YouTubeGate(youtube, tmp_path / "gate.json", pauses_s=pauses)
        ingest = FakeCore(scratch, gate).ingest()
        url = f"sqlite:///{tmp_path}/jobs.db"
        run = partial(running, url, "here", 1, ingest)
        async with open_jobs(url, engine_for_jobs(url), ingest, run, tmp_path / "lock") as jobs:
            yield jobs, ingest

    return opened


async def submit(jobs, ingest, *videos, channel="hive"):
    orders = [await ingest.order(Link(video.id), channel, "en") for video in videos]
    return [await jobs.submit(order) for order in orders]


async def test_thirty_links_after_a_rate_limit_wait_and_none_fails(opened):
    youtube = Limited(3 * FIVE_MINUTES)
    async with opened(youtube) as (jobs, ingest):
        ids = await submit(jobs, ingest, *VIDEOS)
        async with asyncio.timeout(120):
            done = await asyncio.gather(*map(jobs.outcome, ids))
    assert {order.video_id for order, _ in done} == {video.id for video in VIDEOS}
    asked = [at - youtube.asked[0] for at in youtube.asked]
    assert len([at for at in asked if at < 2 * FIVE_MINUTES]) <= 3
    assert len([at for at in asked if at < 3 * FIVE_MINUTES]) >= 2  # else nothing was refused twice


async def test_a_waiting_job_says_why_and_goes_on_after_a_restart(opened):
    youtube = Limited(0.5)
    async with opened(youtube, [5.0]) as (jobs, ingest):
        [job] = await submit(jobs, ingest, VIDEOS[0])
        async with asyncio.timeout(30):
            async for progress in jobs.watch(job):
                if progress.stage == "youtube":
                    break
        assert 0 < progress.eta_s <= 6
        assert [one.progress.stage for one in await jobs.pending("hive")] == ["youtube"]
    async with opened(youtube, [2.0]) as (jobs, _), asyncio.timeout(30):
        await jobs.outcome(job)
    assert youtube.asked[1] - youtube.asked[0] >= 2.0


async def test_another_process_says_it_at_once_too(opened, tmp_path):
    async with opened(Limited(60), [60.0]) as (jobs, ingest):
        url, gate = f"sqlite:///{tmp_path}/jobs.db", YouTubeGate(None, tmp_path / "gate.json")
        watching = open_jobs(
            url, engine_for_jobs(url), ingest, None, tmp_path / "lock", gate.pause_s
        )
        [job] = await submit(jobs, ingest, VIDEOS[0])
        async with watching as watcher:
            async with asyncio.timeout(10):
                async for progress in watcher.watch(job):
                    if progress.stage == "youtube":
                        break
            assert 0 < progress.eta_s <= 60
            assert [one.progress.stage for one in await watcher.pending("hive")] == ["youtube"]
        await jobs.cancel(job)


async def test_a_job_without_need_of_youtube_does_not_wait(opened, tmp_path):
    (file := tmp_path / "bees.mp3").write_bytes(b"ID3 sound")
    async with opened(Limited(60), [60.0]) as (jobs, ingest):
        [waiting] = await submit(jobs, ingest, VIDEOS[0])
        async with asyncio.timeout(30):
            while [one.progress.stage for one in await jobs.pending()] != ["youtube"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            job = await jobs.submit(await ingest.order(File(file), "hive", "en"))
            await jobs.outcome(job)
        await jobs.cancel(waiting)


@pytest.fixture
def json_log():
    """Return what is written to a log of JSON objects meanwhile."""
    screen, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(screen), root.level
    handler.setFormatter(JsonFormatter(()))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: list(map(json.loads, screen.getvalue().splitlines()))
    root.removeHandler(handler)
    root.setLevel(level)


async def test_a_job_that_youtube_never_lets_through_fails_in_the_end(opened, json_log):
    youtube = Limited(1e9, BotCheck)
    async with opened(youtube, [0.05]) as (jobs, ingest):
        [job] = await submit(jobs, ingest, VIDEOS[0])
        order = (await jobs.pending())[0].order
        async with asyncio.timeout(60):
            with pytest.raises(BotCheck):
                await jobs.outcome(job)
    assert len(youtube.asked) == 9
    gate = [line for line in json_log() if line["logger"].endswith("youtube_gate")]
    assert {(line["job"], line["video"]) for line in gate} == {(order.key, VIDEOS[0].id)}
    errors = [line["error"] for line in json_log() if line["logger"].endswith("workflows")]
    assert errors
    assert all("BotCheck" in error for error in errors)
