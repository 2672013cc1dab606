"""`Jobs` in memory; nothing survives the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from core.errors import CoreError, JobCancelled, NotMedia, UnknownJob, UnknownVideo
from core.model import EndedJob, Job, Order, Progress
from core.pipeline.ingest import Ingest
from core.ports import WorkerState

_NUMBERS = count(1)
"""Job ids are unique across a test run, as in a store that outlives its processes."""


@dataclass
class _Entry:
    order: Order
    task: asyncio.Task[tuple[str, ...]]
    ordered_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        self.task.add_done_callback(self._end)

    def _end(self, task: object) -> None:
        self.ended_at = datetime.now(UTC)


class FakeJobs:
    """`Jobs` that runs one job at a time, in the order of submission. `look_s`: polling
    interval."""

    look_s = 0.01

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._turn = asyncio.Lock()
        self._works: dict[str, asyncio.Task[tuple[str, ...]]] = {}
        self._told: dict[str, list[Progress]] = {}
        self._jobs: dict[str, _Entry] = {}
        self._begun: dict[str, datetime] = {}

    def take_over(self, killed: FakeJobs) -> None:
        """Take over the jobs of a killed process; those it left unfinished start again."""
        for job_id, entry in killed._jobs.items():
            task = entry.task
            if task.cancelled():
                task = asyncio.create_task(self._fulfil(entry.order))
            self._jobs[job_id] = replace(entry, task=task)

    async def submit(self, order: Order) -> str:
        job_id = str(next(_NUMBERS))
        self._jobs[job_id] = _Entry(order, asyncio.create_task(self._fulfil(order)))
        await asyncio.sleep(0)
        return job_id

    async def watch(self, job_id: str) -> AsyncGenerator[Progress]:
        entry = self._entry(job_id)
        seen = 0
        if not self._told.get(entry.order.key) and not entry.task.done():
            await asyncio.sleep(0.001)
            if not self._told.get(entry.order.key):
                yield Progress("wait")
        while True:
            told = self._told.get(entry.order.key, [])
            while seen < len(told):
                yield told[seen]
                seen += 1
            if entry.task.done():
                return
            await asyncio.sleep(self.look_s)

    async def outcome(self, job_id: str) -> tuple[Order, tuple[str, ...]]:
        entry = self._entry(job_id)
        await asyncio.wait({entry.task})
        if entry.task.cancelled():
            raise JobCancelled()
        return entry.order, entry.task.result()

    async def pending(self, channel: str | None = None) -> list[Job]:
        return [
            Job(job_id, entry.order, self._newest(entry.order))
            for job_id, entry in self._jobs.items()
            if not entry.task.done() and channel in (None, entry.order.channel)
        ]

    async def ended(self, since: datetime) -> list[EndedJob]:
        await asyncio.sleep(0)  # for the callbacks of tasks that are done
        return [
            EndedJob(
                job_id,
                entry.order,
                entry.ordered_at,
                entry.ended_at,
                JobCancelled() if entry.task.cancelled() else entry.task.exception(),
                self._waited_s(entry),
            )
            for job_id, entry in self._jobs.items()
            if entry.ended_at and entry.ended_at >= since
        ]

    def worker(self) -> WorkerState:
        return "here"

    async def cancel(self, job_id: str) -> None:
        entry = self._entry(job_id)
        if entry.task.done():
            raise UnknownJob(job_id)
        entry.task.cancel()
        await asyncio.wait({entry.task})
        if not any(job.order.key == entry.order.key for job in await self.pending()):
            if work := self._works.get(entry.order.key):
                work.cancel()
                await asyncio.wait({work})
            await self._ingest.discard(entry.order)

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        ours = {
            job_id: entry
            for job_id, entry in self._jobs.items()
            if entry.order.channel == channel and video_id in (None, entry.order.video_id)
        }
        live = [job_id for job_id, entry in ours.items() if not entry.task.done()]
        for job_id in live:
            await self.cancel(job_id)
        for job_id in ours:
            del self._jobs[job_id]
        return [ours[job_id].order.video_id for job_id in live]

    async def _fulfil(self, order: Order) -> tuple[str, ...]:
        while True:
            work = self._works.get(order.key)
            if work is None or work.done():
                self._told[order.key] = []
                work = self._works[order.key] = asyncio.create_task(self._take_in(order))
            try:
                notes = await asyncio.shield(work)
            except NotMedia as error:
                raise NotMedia(order.file_name or error.name) from error
            try:
                return notes + await self._ingest.add(order)
            except UnknownVideo:
                continue

    async def _take_in(self, order: Order) -> tuple[str, ...]:
        notes: tuple[str, ...] = ()
        async with self._turn:
            self._begun[order.key] = datetime.now(UTC)
            for _, step in self._ingest.steps:
                try:
                    notes += await step(order, self._told[order.key].append)
                except CoreError:
                    await self._ingest.discard(order)
                    raise
        return notes

    def _waited_s(self, entry: _Entry) -> float | None:
        begun = self._begun.get(entry.order.key)
        return max((begun - entry.ordered_at).total_seconds(), 0.0) if begun else None

    def _newest(self, order: Order) -> Progress:
        return [Progress("wait"), *self._told.get(order.key, [])][-1]

    def _entry(self, job_id: str) -> _Entry:
        if job_id not in self._jobs:
            raise UnknownJob(job_id)
        return self._jobs[job_id]
