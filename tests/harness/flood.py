"""One channel floods the queue while others paste a link now and then, on a clock of its own.

The queue is the real one, on DBOS. Only the speech is not: it moves the clock on by what the video
takes, and lets those links arrive that are pasted meanwhile. How long everybody waits is compared
with a machine that all channels with work share equally at each moment.
"""

from __future__ import annotations

import asyncio
import math
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from core.backends.storage.database import engine_for_jobs
from core.jobs.durable_jobs import DurableJobs, open_jobs
from core.jobs.workflows import running
from core.model import Video
from core.sources import Link
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fake_core import SAID, FakeCore

FLOODING = "flood"
WORK_S = 60.0
"""What a video takes."""
_PATIENCE_S = 60.0
_A_MOMENT_S = 1e-6


@dataclass(frozen=True, slots=True)
class Pasted:
    """A link: when, where, and the seconds of work in it."""

    at_s: float
    channel: str
    video_id: str
    work_s: float = WORK_S


def pastes(dice: random.Random, flood: int, others: int) -> list[Pasted]:
    """Draw who pastes what when: the flood in the first minute, three links each of the others
    while the machine works on it, some of them two at a time."""
    last_s = 0.8 * flood * WORK_S
    times = [(dice.uniform(0, WORK_S), FLOODING) for _ in range(flood)]
    for n in range(others):
        once, twice = dice.uniform(0, last_s), dice.uniform(0, last_s)
        times += [(once, f"other {n}"), (twice, f"other {n}"), (twice, f"other {n}")]
    drawn = [(0.0, FLOODING), *sorted(times)[1:]]
    return [Pasted(at_s, channel, f"video{n:06}") for n, (at_s, channel) in enumerate(drawn)]


def fair_ends(pasted: Sequence[Pasted]) -> dict[str, float]:
    """Return when each video would be done on a machine whose channels share it equally at each
    moment, each its own videos in order (processor sharing: Parekh and Gallager 1993)."""
    coming, now_s = sorted(pasted, key=lambda one: one.at_s), 0.0
    queues: dict[str, list[list[Any]]] = {}
    ends: dict[str, float] = {}
    while coming or queues:
        arrives_s = coming[0].at_s if coming else math.inf
        least_s = min((left_s for [[_, left_s], *_] in queues.values()), default=math.inf)
        share_s = min(least_s, (arrives_s - now_s) / max(len(queues), 1))
        now_s = now_s + share_s * len(queues) if queues else arrives_s
        for channel, queue in list(queues.items()):
            queue[0][1] -= share_s
            if queue[0][1] < _A_MOMENT_S:
                ends[queue.pop(0)[0]] = now_s
                if not queue:
                    del queues[channel]
        while coming and coming[0].at_s < now_s + _A_MOMENT_S:
            one = coming.pop(0)
            queues.setdefault(one.channel, []).append([one.video_id, one.work_s])
    return ends


@dataclass
class Machine(FakeTranscriber):
    """`Transcriber` that takes `work_s` on its own clock for each video, during which the links
    pasted until then arrive. It works on one video at a time."""

    pasted: Sequence[Pasted]
    arrive: Any
    now_s: float = 0.0
    ends: dict[str, float] = field(default_factory=dict)
    """When each video was done."""

    def __post_init__(self) -> None:
        super().__init__(*SAID)
        self._works = {one.video_id: one.work_s for one in self.pasted}
        self._is_busy = False

    async def transcribe(self, audio: Path, *args: Any) -> Any:
        assert not self._is_busy, "two videos at a time"
        self._is_busy = True
        self.now_s += self._works[audio.stem]
        await self.arrive(self.now_s)
        self.ends[audio.stem] = self.now_s
        self._is_busy = False
        async for window in super().transcribe(audio, *args):
            yield window


@dataclass
class Flood:
    """The pasted links, and the jobs that they become."""

    folder: Path
    pasted: list[Pasted]
    jobs: DurableJobs = field(init=False)
    ids: list[str] = field(default_factory=list)

    async def run(self) -> Mapping[str, float]:
        """Return when each video was done."""
        videos = [Video(one.video_id, one.video_id, "", 30.0) for one in self.pasted]
        machine = Machine(self.pasted, self._arrive)
        (scratch := self.folder / "scratch").mkdir()
        self.world = FakeCore(scratch, FakeFetcher(*videos), machine)
        url, lock = f"sqlite:///{self.folder}/jobs.db", self.folder / "lock"
        run = partial(running, url, "here", 1, self.world.ingest())
        ingest = self.world.ingest()
        async with open_jobs(url, engine_for_jobs(url), ingest, run, lock) as self.jobs:
            await self._arrive(0.0)
            for n in range(len(self.pasted)):  # the next one has arrived: there is always work
                await self.jobs.outcome(self.ids[n])
        return machine.ends

    async def _arrive(self, until_s: float) -> None:
        """Submit the links pasted until then, in their order, and wait until they are queued."""
        due = [one for one in self.pasted[len(self.ids) :] if one.at_s <= until_s]
        for channel, links in groupby(due, key=lambda one: one.channel):
            for one in links:
                order = await self.world.ingest().order(Link(one.video_id), channel, "en")
                self.ids.append(await self.jobs.submit(order))
            await self._queued(len(self.ids))

    async def _queued(self, count: int) -> None:
        places = "SELECT count(*) FROM workflow_status WHERE name = 'ingest'"
        with closing(sqlite3.connect(self.folder / "jobs.db")) as jobs_db:
            async with asyncio.timeout(_PATIENCE_S):
                while jobs_db.execute(places).fetchone() < (count,):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)


async def waits_of_others(
    folder: Path, dice: random.Random, flood: int, others: int
) -> list[tuple[float, float]]:
    """Return how long each link of the others waited, and how long it would by its fair share."""
    pasted = pastes(dice, flood, others)
    ends, fair = await Flood(folder, pasted).run(), fair_ends(pasted)
    return [
        (ends[one.video_id] - one.at_s, fair[one.video_id] - one.at_s)
        for one in pasted
        if one.channel != FLOODING
    ]
