"""The bot with its real store and jobs, in one SQLite file; only what it asks of the world is fake:
YouTube, speech recognition, the model, the indexes, the chat platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bot.config import Config, Quotas
from core.backends.storage.database import engine_for_jobs
from core.backends.storage.store import Store, open_store, sqlite_url
from core.errors import CoreError
from core.jobs.durable_jobs import DurableJobs, open_jobs
from core.jobs.workflows import running
from core.model import Order
from core.pipeline.front import Pipeline
from core.pipeline.ingest import Ingest
from core.pipeline.youtube_gate import YouTubeGate
from tests.fakes.chat import FakeChat
from tests.harness.fake_core import FakeCore
from tests.harness.scene import Scene
from tests.harness.two_speed_loop import TwoSpeedLoop

STORE, SCRATCH = "tubethread.db", "scratch"
PAUSES_S = (0.3, 0.6)
"""How long YouTube is left alone: by the clock on the wall, which stands still meanwhile."""
AT_ONCE = 16
PLENTY = 10**9

Wrap = Callable[[str, Any], Any]
"""Returns the port of this name, or something in its place."""


class RealTimeJobs:
    """`Jobs` during which the loop's time is real."""

    def __init__(self, jobs: DurableJobs) -> None:
        self._jobs = jobs
        self._tasks: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jobs, name)

    async def submit(self, order: Order) -> str:
        job = await self._jobs.submit(order)
        self._tasks.add(task := asyncio.create_task(self._hold(job)))
        task.add_done_callback(self._tasks.discard)
        return job

    async def _hold(self, job: str) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, TwoSpeedLoop)
        loop.hold()
        try:
            with suppress(CoreError):
                await self._jobs.outcome(job)
        finally:
            loop.release()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass
class DurableCore(FakeCore):
    """FakeCore over a real store and real jobs."""

    whole_store: Store = field(init=False)
    """The store itself, for who looks at it."""
    real_jobs: RealTimeJobs = field(init=False)
    _real_ingest: Ingest = field(init=False)

    def ingest(self) -> Ingest:
        """Return the same one for the jobs and the front, as the composition root does."""
        if not hasattr(self, "_real_ingest"):
            self._real_ingest = super().ingest()
        return self._real_ingest

    def pipeline(self) -> Pipeline:
        async def opened() -> RealTimeJobs:
            return self.real_jobs

        return self.front(self.ingest(), opened)


class Ports:
    """The store's ports, wrapped."""

    def __init__(self, store: Store, wrap: Wrap) -> None:
        for name, port in vars(store).items():
            if not name.startswith("_"):
                setattr(self, name, wrap(name, port))


@asynccontextmanager
async def open_whole_bot(
    folder: Path, chat: FakeChat, wrap: Wrap = lambda _, port: port, **fakes: Any
) -> AsyncIterator[Scene]:
    """Open the bot on a TwoSpeedLoop. `wrap`: for its ports. `fakes`: FakeCore's arguments."""
    (scratch := folder / SCRATCH).mkdir(exist_ok=True)
    url, lock = f"sqlite:///{folder / STORE}", folder / "worker.lock"
    fetcher = YouTubeGate(
        wrap("fetcher", fakes.pop("fetcher")), folder / "gate.json", pauses_s=PAUSES_S
    )
    fakes = {name: wrap(name, fake) for name, fake in fakes.items()}
    config = Config(quotas=Quotas(**dict.fromkeys(Quotas.model_fields, PLENTY)))
    async with open_store(sqlite_url(folder / STORE)) as store:
        core = DurableCore(scratch, fetcher, store=Ports(store, wrap), **fakes)
        run = partial(running, url, "here", AT_ONCE, core.ingest())
        async with open_jobs(url, engine_for_jobs(url), core.ingest(), run, lock) as jobs:
            core.real_jobs = RealTimeJobs(jobs)
            core.whole_store = store
            scene = Scene(core, wrap("chat", chat), config)
            await scene.begin()
            try:
                yield scene
            finally:
                await scene.end()
                await core.real_jobs.close()
