"""The order in which jobs run: fair between channels, on DBOS."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import asynccontextmanager, closing
from functools import partial

import pytest

from core.backends.storage.database import engine_for_jobs
from core.errors import NotMedia
from core.jobs.durable_jobs import open_jobs
from core.jobs.workflows import running
from core.model import Video
from core.sources import File, Link
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import SET, FakeTranscriber
from tests.harness.fake_core import SAID, FakeCore
from tests.harness.flood import Pasted, fair_ends
from tests.torture import flood

VIDEOS = [Video(f"video{n:06}", f"Day {n}", "The Hive", 30.0) for n in range(12)]


class Gate(FakeTranscriber):
    """Transcriber that finishes nothing until it is opened. `begun` lists the videos in order."""

    def __init__(self):
        super().__init__(*SAID)
        self.begun, self.most_at_once = [], 0
        self.is_open = asyncio.Event()
        self._now = Counter()

    async def transcribe(self, audio, language, from_s=0.0, compute=SET):
        if not audio.is_file():  # as the real one, which opens it
            raise NotMedia(audio.name)
        self.begun.append(audio.stem)
        self._now["hearing"] += 1
        self.most_at_once = max(self.most_at_once, self._now["hearing"])
        await self.is_open.wait()
        async for window in super().transcribe(audio, language, from_s, compute):
            yield window
        self._now["hearing"] -= 1


@pytest.fixture
def world(tmp_path):
    (scratch := tmp_path / "scratch").mkdir()
    return FakeCore(scratch, FakeFetcher(*VIDEOS), Gate())


@pytest.fixture
def working(world, tmp_path):
    @asynccontextmanager
    async def opened(at_once=1):
        url, ingest = f"sqlite:///{tmp_path}/jobs.db", world.ingest()
        run = partial(running, url, "here", at_once, ingest)
        async with open_jobs(url, engine_for_jobs(url), ingest, run, tmp_path / "lock") as jobs:
            yield jobs

    return opened


async def until(true):
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def order(world, jobs, channels):
    """Order one video for each channel, and return the channels in the order they are served.

    All other videos join the queue while the first is being transcribed.
    """
    wanted = {video.id: channel for video, channel in zip(VIDEOS, channels, strict=False)}
    ids = []
    for number, (video_id, channel) in enumerate(wanted.items()):
        ids.append(await jobs.submit(await world.ingest().order(Link(video_id), channel, "en")))
        if number == 0:
            await until(lambda: world.transcriber.begun)
    with closing(sqlite3.connect(world.scratch.parent / "jobs.db")) as jobs_db:
        places = "SELECT count(*) FROM workflow_status WHERE name = 'ingest'"
        await until(lambda: jobs_db.execute(places).fetchone() == (len(wanted),))
    world.transcriber.is_open.set()
    await asyncio.gather(*(jobs.outcome(job) for job in ids))
    return "".join(wanted[video_id] for video_id in world.transcriber.begun)


async def test_a_channel_with_one_wish_is_second_after_one_with_ten(world, working):
    async with working() as jobs:
        assert await order(world, jobs, "a" * 10 + "b") == "ab" + "a" * 9


async def test_channels_take_turns(world, working):
    async with working() as jobs:
        assert await order(world, jobs, "aaaabbbbcccc") == "abc" * 4


async def test_while_one_channel_floods_others_wait_no_longer_than_their_share(tmp_path):
    await flood.round(tmp_path, seed=1, links=10, others=2)


def test_a_fair_share_is_equal_at_each_moment():
    alone = [Pasted(0.0, "a", "a1"), Pasted(0.0, "a", "a2")]
    assert fair_ends(alone) == {"a1": 60.0, "a2": 120.0}
    joined = [*alone, Pasted(30.0, "b", "b1")]
    assert fair_ends(joined) == {"a1": 90.0, "b1": 150.0, "a2": 180.0}


@pytest.mark.parametrize("at_once", [1, 3])
async def test_as_many_as_allowed_are_worked_on_at_once(world, working, at_once):
    async with working(at_once) as jobs:
        ids = [
            await jobs.submit(await world.ingest().order(Link(video.id), "a", "en"))
            for video in VIDEOS[:6]
        ]
        await until(lambda: len(world.transcriber.begun) >= at_once)
        await asyncio.sleep(1)
        assert len(world.transcriber.begun) == at_once
        world.transcriber.is_open.set()
        await asyncio.gather(*(jobs.outcome(job) for job in ids))
    assert world.transcriber.most_at_once == at_once


async def test_a_file_sent_in_a_chat_and_in_the_terminal_is_one_job_that_neither_takes_down(
    world, working, tmp_path
):
    for name in ("upload", "talk.wav"):
        (tmp_path / name).write_bytes(b"a voice")
    uploaded = File(tmp_path / "upload", "voice message.ogg")
    async with working() as jobs:
        ingest = world.ingest()
        first = await jobs.submit(await ingest.order(Link(VIDEOS[0].id), "hive", "en"))
        await until(lambda: world.transcriber.begun)
        in_chat = await jobs.submit(await ingest.order(uploaded, "telegram:1", "en"))
        typed = await ingest.order(File(tmp_path / "talk.wav"), "console", "en")
        in_terminal = await jobs.submit(typed)
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as jobs_db:
            waiting = f"SELECT count(*) FROM workflow_status WHERE deduplication_id = '{typed.key}'"
            await until(lambda: jobs_db.execute(waiting).fetchone() == (1,))
        await jobs.cancel(in_chat)
        uploaded.path.unlink()  # as the chat does then
        world.transcriber.is_open.set()
        async with asyncio.timeout(30):
            await jobs.outcome(first)
            await jobs.outcome(in_terminal)
    assert world.transcriber.begun == [VIDEOS[0].id, "talk"]
    [video] = await world.store.library.videos("console")
    assert (video.id, video.title) == (typed.video_id, "talk")


async def test_what_one_channel_forgets_takes_nothing_from_who_comes_meanwhile(world, working):
    theirs, *ours = VIDEOS[:6]
    ingest = world.ingest()
    async with working(6) as jobs:
        for video in ours:
            await jobs.submit(await ingest.order(Link(video.id), "hive", "en"))
        await until(lambda: len(world.transcriber.begun) == len(ours))
        forgetting = asyncio.create_task(jobs.forget("hive"))
        with closing(sqlite3.connect(world.scratch.parent / "jobs.db")) as jobs_db:
            stopped = "SELECT count(*) FROM workflow_status WHERE status = 'CANCELLED'"
            await until(lambda: jobs_db.execute(stopped).fetchone() != (0,))
        job = await jobs.submit(await ingest.order(Link(theirs.id), "sea", "en"))
        await until(lambda: theirs.id in world.transcriber.begun)
        assert set(await forgetting) == {video.id for video in ours}
        world.transcriber.is_open.set()
        async with asyncio.timeout(30):
            await jobs.outcome(job)
    assert [video.id for video in await world.store.library.videos("sea")] == [theirs.id]
