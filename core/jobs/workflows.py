"""This file works on jobs: DBOS workflows around the steps of core/pipeline/ingest.py, which go on
after a kill where they were.

An `order` is one channel's wish; an `ingest` is the work on a video, shared by all orders of one
key. DBOS keeps what was finished; the store holds what came of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    PortableWorkflowError,
    SetEnqueueOptions,
    WorkflowHandleAsync,
    WorkflowStatus,
    error,
)

from core.errors import CoreError, JobFailed, UnknownVideo
from core.model import Order, Progress
from core.pipeline.eta import with_eta
from core.pipeline.ingest import Ingest, Step
from core.ports import ProgressCallback

log = logging.getLogger(__name__)

APPLICATION = "tubethread"
VERSION = "1"
"""Pinned: DBOS's own choice is a hash of these functions, and a changed comment would strand what
runs and what waits. An ingest whose steps have changed begins anew: the store has what was done."""
ORDER, INGEST = "order", "ingest"
"""The workflows, and the queues they wait in."""
PROGRESS, WORK = "progress", "work"
"""The stream an ingest writes, and the event by which an order names its ingest."""
LIVE = ["ENQUEUED", "PENDING"]
POLL_S = 0.25
MOST_RESCUES = 20
"""An ingest that took the whole program down as often is given up, and told."""
SERIALIZER = DBOSPortableJSONSerializer()

_ROUNDS = 3
_ORDERS_PER_INGEST = 10
"""An order is rescued whichever job took the program down, and shall outlive some of those."""
_TELL_S = 1.0

Told = dict[str, Any]
"""`{"notes": […]}` or `{"error": code, "facts": {…}}`: all that DBOS keeps of a step."""


@asynccontextmanager
async def running(
    url: str, executor: str, at_once: int, ingest: Ingest, rescues: int = MOST_RESCUES
) -> AsyncIterator[None]:
    """Works on jobs until it is closed, first on those that a former process of this executor left.
    What is being done then stays unfinished, for the next one.

    `url`: as SQLAlchemy takes it, for a driver that is not async. `at_once`: ingests in this
    process; one process of an executor at a time. `rescues`: of one ingest, before it is given up.
    """
    use_our_log()
    DBOS(
        config=DBOSConfig(
            name=APPLICATION,
            system_database_url=url,
            application_version=VERSION,
            executor_id=executor,
            serializer=SERIALIZER,
            log_level="WARNING",
        )
    )
    work = _Work(ingest, rescues)
    work.register()
    try:
        DBOS.launch()
        await DBOS.register_queue_async(ORDER, polling_interval_sec=POLL_S)
        await DBOS.register_queue_async(
            INGEST, worker_concurrency=at_once, polling_interval_sec=POLL_S
        )
        yield
    finally:
        await work.stop()
        await _destroy()


def use_our_log() -> None:
    """DBOS speaks on the terminal, unless somebody listens."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True


class _Work:
    """The two workflows. Everything in them that could come out otherwise the next time is a
    step: DBOS goes through a rescued workflow again and skips the steps that it knows."""

    def __init__(self, ingest: Ingest, rescues: int) -> None:
        self._ingest, self._rescues = ingest, rescues
        self._tasks: set[asyncio.Task[Any]] = set()
        self._placing = asyncio.Lock()

    def register(self) -> None:
        @DBOS.workflow(name=INGEST, max_recovery_attempts=self._rescues)
        async def ingest(wish: dict[str, str]) -> Told:
            with self._stoppable():
                return await self._take_in(Order(**wish))

        @DBOS.workflow(name=ORDER, max_recovery_attempts=self._rescues * _ORDERS_PER_INGEST)
        async def order(wish: dict[str, str]) -> Told:
            with self._stoppable():
                return await self._fulfil(Order(**wish), ingest)

    async def stop(self) -> None:
        """DBOS takes a cancelled task for one that was killed: its workflow stays unfinished."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fulfil(self, order: Order, ingest: Any) -> Told:
        """Joins the work that is being done for the key, or begins it; again if somebody else
        stopped it, or forgot the video in that moment."""
        for _ in range(_ROUNDS):
            work = await self._enqueue(order, ingest)
            await DBOS.set_event_async(WORK, work.workflow_id)
            try:
                told: Told = await work.get_result(polling_interval_sec=POLL_S)
            except error.DBOSAwaitedWorkflowCancelledError:
                continue
            except error.DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded:
                await _step("give_up", self._ingest.give_up, order)
                return _failure(JobFailed("it took the whole program down again and again"))
            except PortableWorkflowError as broke:
                if broke.name != error.DBOSUnexpectedStepError.__name__:
                    raise
                continue  # another release had begun it
            if "error" not in told:
                added = await _step("add", _told, self._add, order)
                told = added if "error" in added else {"notes": told["notes"] + added["notes"]}
            if told.get("error") != UnknownVideo(order.video_id).code:
                return told
        return _failure(JobFailed("stopped or forgotten again and again"))

    async def _enqueue(self, order: Order, ingest: Any) -> WorkflowHandleAsync[Told]:
        async with self._placing:  # two that look for a place at once would get the same
            place = await _step("queue", _place, order)
            with SetEnqueueOptions(
                deduplication_id=order.key, duplication_policy="return-existing", priority=place
            ):
                return await DBOS.enqueue_workflow_async(INGEST, ingest, asdict(order))

    async def _take_in(self, order: Order) -> Told:
        notes: list[str] = []
        for name, step in self._ingest.steps:
            told: Told = await _step(name, _told, step, order)
            if "error" in told:
                await _step("give_up", self._ingest.give_up, order)
                return told
            notes += told["notes"]
        return {"notes": notes}

    async def _add(self, order: Order, on_progress: ProgressCallback) -> tuple[str, ...]:
        return await self._ingest.add(order)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)


async def _step(name: str, function: Callable[..., Awaitable[Any]], *args: object) -> Any:
    """What the function returned, now or before a kill. It stops when the job is cancelled."""
    return await DBOS.run_step_async({"name": name, "preemptible": True}, function, *args)


async def _told(step: Step, order: Order) -> Told:
    """The step's outcome, told on the job's stream while it works."""
    try:
        async with _telling() as on_progress:
            return {"notes": list(await step(order, on_progress))}
    except CoreError as failure:
        log.info("%s: %s", order.key, failure, exc_info=True)
        return _failure(failure)


def _failure(failure: CoreError) -> Told:
    return {"error": failure.code, "facts": failure.facts}


@asynccontextmanager
async def _telling() -> AsyncIterator[ProgressCallback]:
    """Every stage is written to the stream, and how far it is once a second."""
    newest: dict[str, Progress] = {}
    news, turn = asyncio.Event(), asyncio.Lock()

    def on_progress(progress: Progress) -> None:
        newest[progress.stage] = progress
        news.set()

    async def write() -> None:
        async with turn:
            while newest:
                await DBOS.write_stream_async(PROGRESS, asdict(newest.pop(next(iter(newest)))))

    async def go_on() -> None:
        while await news.wait():
            news.clear()
            await write()
            await asyncio.sleep(_TELL_S)

    writing = asyncio.create_task(go_on())
    try:
        yield with_eta(on_progress)
    finally:
        async with turn:  # what is half written would be lost
            writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    await write()


async def _place(order: Order) -> int:
    """The order's place in the queue: a channel's first goes before any other channel's second.

    Start-time fair queueing (Goyal, Vin, Cheng 1996) with jobs of one size: a channel's next job
    is placed behind its last one, but never before what is being worked on now."""
    waiting = await DBOS.list_workflows_async(queue_name=INGEST, status=LIVE, load_output=False)
    places = [(job.priority or 1, order_of(job).channel) for job in waiting]
    now = min((place for place, _ in places), default=1)
    own = [place + 1 for place, channel in places if channel == order.channel]
    return max([now, *own])


def order_of(job: WorkflowStatus) -> Order:
    """What a workflow of ours was asked for."""
    assert job.input
    return Order(**job.input["args"][0])


async def _destroy() -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor())  # DBOS has put in its own, which ends now
    with ThreadPoolExecutor(1) as thread:  # it waits for its threads
        await loop.run_in_executor(thread, partial(DBOS.destroy, destroy_registry=True))
