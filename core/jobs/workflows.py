"""Work on jobs: DBOS workflows around the steps of core/pipeline/ingest.py, resumed after a kill.

An `order` is one channel's request; an `ingest` is the work on a video, shared by all orders of one
key. DBOS records which steps are done; the store holds their results.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSContextSetAuth,
    DBOSPortableJSONSerializer,
    PortableWorkflowError,
    SetEnqueueOptions,
    WorkflowHandleAsync,
    WorkflowStatus,
    error,
)

from core.errors import CoreError, JobFailed, UnknownVideo
from core.jobs.status_poller import INGEST, LIVE, ORDER, PROGRESS, StatusPoller
from core.log_records import about
from core.model import Order, Progress
from core.pipeline.eta import with_eta
from core.pipeline.ingest import Ingest, Step
from core.ports import ProgressCallback
from core.sources import is_file

log = logging.getLogger(__name__)

APPLICATION = "tubethread"
VERSION = "1"
"""Pinned. DBOS's default is a hash of these functions, so that a changed comment would strand
running and queued jobs. An ingest whose steps have changed starts over; the store has its results.
"""
QUEUE_POLL_S = 0.25
MAX_RECOVERY_ATTEMPTS = 20
"""How often an ingest may take the whole program down before it fails."""
SERIALIZER = DBOSPortableJSONSerializer()

_ROUNDS = 3
_ORDERS_PER_INGEST = 10
"""An order is recovered whichever job took the program down, so it may be recovered more often."""
_PROGRESS_EVERY_S = 1.0
_PAUSES = 8
"""How often an order waits for YouTube before it fails: for 12 hours, if every pause is asked for.
See core/pipeline/youtube_gate.py."""
_PAUSE_SPREAD = 0.2
"""Orders begin again during this share of the pause after its end: not always the same one first,
which YouTube may refuse for its video, and not all at once."""
_PAUSE_TOLD_EVERY_S = 30.0

_FILE_GONE = "file_gone"
"""Marks the outcome of a step whose file was deleted meanwhile. Another order of the same file may
still have its own copy."""

Outcome = dict[str, Any]
"""`{"notes": […]}` or `{"error": code, "facts": {…}}`: all that DBOS stores of a step."""


@asynccontextmanager
async def running(
    url: str,
    executor: str,
    at_once: int,
    ingest: Ingest,
    poller: StatusPoller,
    recovery_attempts: int = MAX_RECOVERY_ATTEMPTS,
) -> AsyncIterator[None]:
    """Work on jobs until closed, first on those that a killed process of this executor left.
    Unfinished work stays for the next process.

    `url`: for SQLAlchemy with a synchronous driver. `executor`: only one process may use it at a
    time. `at_once`: ingests in this process. `recovery_attempts`: of one ingest before it fails."""
    redirect_dbos_log()
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
    workflows = _Workflows(ingest, poller)
    workflows.register(recovery_attempts)
    try:
        DBOS.launch()
        await DBOS.register_queue_async(ORDER, polling_interval_sec=QUEUE_POLL_S)
        await DBOS.register_queue_async(
            INGEST, worker_concurrency=at_once, polling_interval_sec=QUEUE_POLL_S
        )
        yield
    finally:
        await workflows.stop()
        await _destroy()


def redirect_dbos_log() -> None:
    """Send DBOS's log to the root logger; by itself DBOS writes to the terminal."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True


class _Workflows:
    """The two workflows. Everything in them whose result may differ the next time is a step: DBOS
    replays a recovered workflow and skips the steps that it has recorded."""

    def __init__(self, ingest: Ingest, poller: StatusPoller) -> None:
        self._ingest, self._poller = ingest, poller
        self._tasks: set[asyncio.Task[Any]] = set()
        self._priority_lock = asyncio.Lock()

    def register(self, recovery_attempts: int) -> None:
        @DBOS.workflow(name=INGEST, max_recovery_attempts=recovery_attempts)
        async def ingest(order: dict[str, str]) -> Outcome:
            with self._stoppable(), self._poller.running_here(order["key"]):
                return await self._do_ingest(Order(**order))

        @DBOS.workflow(name=ORDER, max_recovery_attempts=recovery_attempts * _ORDERS_PER_INGEST)
        async def order(order: dict[str, str]) -> Outcome:
            with self._stoppable():
                own = Order(**order)
                return _with_own_name(await self._do_order(own, ingest), own)

    async def stop(self) -> None:
        """Cancel the tasks. DBOS treats their workflows as killed and resumes them later."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _do_order(self, order: Order, ingest: Any) -> Outcome:
        """Fulfil the order, after a pause whenever YouTube asks for one. The order waits rather
        than its ingest, which would keep others from work that needs nothing of YouTube."""
        outcome = await self._fulfil(order, ingest)
        for _ in range(_PAUSES):
            if not (until := _paused_until(outcome)):
                return outcome
            await _step("pause", self._pause, order, until)
            outcome = await self._fulfil(order, ingest)
        if _paused_until(outcome):
            await _step("give_up", self._ingest.discard, order)
        return outcome

    async def _pause(self, order: Order, until: float) -> None:
        begun = time.time()
        # Derived from the key, so that all orders of one ingest continue together.
        spread = _PAUSE_SPREAD * zlib.crc32(order.key.encode()) / 2**32
        pause_s = max(until - begun, 0.0) * (1 + spread)
        with self._poller.running_here(order.key):
            while (left_s := begun + pause_s - time.time()) > 0:
                progress = Progress("youtube", 1 - min(left_s / pause_s, 1.0), round(left_s))
                self._poller.publish(order.key, progress)
                await asyncio.sleep(min(left_s, _PAUSE_TOLD_EVERY_S))

    async def _fulfil(self, order: Order, ingest: Any) -> Outcome:
        """Join the key's running ingest or start one; start another if somebody else cancelled it,
        forgot the video at that moment, or took back a file of which the order has a copy."""
        for _ in range(_ROUNDS):
            outcome = await self._wait_for(await self._enqueue(order, ingest), order)
            if outcome is None:
                continue
            if outcome.get(_FILE_GONE) and await _step("file", _has_file, order):
                continue
            if "error" not in outcome:
                added = await _step("add", self._run, self._add, order)
                outcome = (
                    added if "error" in added else {"notes": outcome["notes"] + added["notes"]}
                )
            if outcome.get("error") != UnknownVideo(order.video_id).code:
                return outcome
        return _failure(JobFailed("stopped or forgotten again and again"))

    async def _wait_for(self, ingest: WorkflowHandleAsync[Outcome], order: Order) -> Outcome | None:
        """The ingest's outcome; None if another one has to be started."""
        if not await self._poller.finished(ingest.workflow_id):
            return None  # deleted
        try:
            return await ingest.get_result(polling_interval_sec=QUEUE_POLL_S)
        except error.DBOSAwaitedWorkflowCancelledError:
            return None
        except error.DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded:
            await _step("give_up", self._ingest.discard, order)
            return _failure(JobFailed("it took the whole program down again and again"))
        except PortableWorkflowError as failure:
            if failure.name != error.DBOSUnexpectedStepError.__name__:
                raise
            return None  # a release with other steps had started it

    async def _enqueue(self, order: Order, ingest: Any) -> WorkflowHandleAsync[Outcome]:
        async with self._priority_lock:  # two orders at once would compute the same priority
            priority = await _step("queue", _queue_priority, order)
            with (
                DBOSContextSetAuth(order.key, []),
                SetEnqueueOptions(
                    deduplication_id=order.key,
                    duplication_policy="return-existing",
                    priority=priority,
                ),
            ):
                # Its record outlives the order, and other channels' orders depend on it.
                unnamed = replace(order, file_name="")
                return await DBOS.enqueue_workflow_async(INGEST, ingest, asdict(unnamed))

    async def _do_ingest(self, order: Order) -> Outcome:
        notes: list[str] = []
        for name, step in self._ingest.steps:
            outcome: Outcome = await _step(name, self._run, step, order)
            if "error" in outcome:
                if not _paused_until(outcome):
                    await _step("give_up", self._ingest.discard, order)
                return outcome
            notes += outcome["notes"]
        return {"notes": notes}

    async def _run(self, step: Step, order: Order) -> Outcome:
        """Run a pipeline step and report its progress."""
        with about(job=order.key, video=order.video_id):
            try:
                async with _reporting(partial(self._poller.publish, order.key)) as on_progress:
                    return {"notes": list(await step(order, on_progress))}
            except CoreError as failure:
                log.info("%s: %s", order.key, failure, exc_info=True)
                is_gone = bool(order.file) and not await _has_file(order)
                return _failure(failure) | ({_FILE_GONE: True} if is_gone else {})

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
            self._poller.wake()


async def _has_file(order: Order) -> bool:
    return await asyncio.to_thread(is_file, order.file)


async def _step(name: str, function: Callable[..., Awaitable[Any]], *args: object) -> Any:
    """The function's result, from now or from before a kill. Stops when the job is cancelled."""
    return await DBOS.run_step_async({"name": name, "preemptible": True}, function, *args)


def _paused_until(outcome: Outcome) -> float:
    """The Unix time before which YouTube must not be asked again; 0 for any other outcome."""
    return float(outcome.get("facts", {}).get("until", 0.0))


def _with_own_name(outcome: Outcome, order: Order) -> Outcome:
    """The outcome of work on a file that others sent too, by the name that the order has for it."""
    facts = outcome.get("facts", {})
    if not order.file_name or "name" not in facts:
        return outcome
    return outcome | {"facts": facts | {"name": order.file_name}}


def _failure(failure: CoreError) -> Outcome:
    return {"error": failure.code, "facts": failure.facts}


@asynccontextmanager
async def _reporting(publish: ProgressCallback) -> AsyncIterator[ProgressCallback]:
    """Publish the latest progress of every stage, at most once a second, and store the latest of
    all for other processes. DBOS overwrites an event that one step sets again."""
    newest: dict[str, Progress] = {}
    news, lock = asyncio.Event(), asyncio.Lock()

    def on_progress(progress: Progress) -> None:
        newest[progress.stage] = progress
        news.set()

    async def write() -> None:
        async with lock:
            if not newest:
                return
            reported = list(newest.values())
            newest.clear()
            for progress in reported:
                publish(progress)
            await DBOS.set_event_async(PROGRESS, asdict(reported[-1]))

    async def write_regularly() -> None:
        while await news.wait():
            news.clear()
            await write()
            await asyncio.sleep(_PROGRESS_EVERY_S)

    writing = asyncio.create_task(write_regularly())
    try:
        yield with_eta(on_progress)
    finally:
        async with lock:  # let a write that has begun finish
            writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    await write()


async def _queue_priority(order: Order) -> int:
    """The ingest's priority: a channel's first video goes before any other channel's second.

    Start-time fair queueing (Goyal, Vin, Cheng 1996) with jobs of one size: a channel's next job
    follows its last one, but never precedes what is being worked on now."""
    waiting = await DBOS.list_workflows_async(queue_name=INGEST, status=LIVE, load_output=False)
    priorities = [(job.priority or 1, order_of(job).channel) for job in waiting]
    now = min((priority for priority, _ in priorities), default=1)
    own = [priority + 1 for priority, channel in priorities if channel == order.channel]
    return max([now, *own])


def order_of(job: WorkflowStatus) -> Order:
    """The order that a workflow of ours was started with."""
    assert job.input
    return Order(**job.input["args"][0])


async def _destroy() -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor())  # DBOS has replaced it and shuts its own down
    with ThreadPoolExecutor(1) as thread:  # DBOS.destroy blocks until its threads end
        await loop.run_in_executor(thread, partial(DBOS.destroy, destroy_registry=True))
