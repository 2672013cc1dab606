"""Submit, watch, list and cancel jobs from any process. core/jobs/workflows.py does the work."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    suppress,
)
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dbos import DBOS, DBOSClient, EnqueueOptions, WorkflowHandleAsync, WorkflowStatus

from core.errors import CoreError, JobCancelled, JobFailed, UnknownJob, from_code
from core.jobs.single_worker import Worker, working
from core.jobs.status_poller import INGEST, LIVE, ORDER, StatusPoller
from core.jobs.workflows import (
    APPLICATION,
    QUEUE_POLL_S,
    SERIALIZER,
    VERSION,
    Outcome,
    order_of,
    redirect_dbos_log,
)
from core.model import EndedJob, Job, Order, Progress, is_file_id
from core.pipeline.ingest import Ingest
from core.ports import WorkerState

if TYPE_CHECKING:
    from sqlalchemy import Engine

KEPT = timedelta(days=30)
"""How long the outcome of a job is kept."""
_ID_BYTES = 5
"""Short enough to type. DBOS refuses an id that exists."""
_SHOW_WAIT_S = 1.0
"""A job that starts sooner is not shown as waiting."""
_MAY_NEED_YOUTUBE = ("wait", "youtube", "resolve", "download")
_SILENCE_S, _PAUSE_TOLD_EVERY_S = 2.0, 30.0
"""An order of which nothing comes for so long may wait for YouTube."""
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_PURGED_AT_ONCE = 1000
_WHOLE_SECOND = timedelta(seconds=1)
"""DBOS keeps times without fractions on SQLite."""
_MAX_DECODED = 2000
"""Orders kept in memory; beyond that only those last listed."""

RunHere = Callable[[StatusPoller], AbstractAsyncContextManager[None]]


class DurableJobs:
    """`Jobs` on DBOS. Use open_jobs."""

    def __init__(
        self, client: DBOSClient, poller: StatusPoller, ingest: Ingest, pause_s: Callable[[], float]
    ) -> None:
        self._client, self._poller = client, poller  # borrowed
        self._ingest, self._pause_s = ingest, pause_s
        self._orders: dict[str, Order] = {}
        self._worker = Worker()

    async def submit(self, order: Order) -> str:
        options: EnqueueOptions = {
            "workflow_name": ORDER,
            "queue_name": ORDER,
            "app_version": VERSION,
            "workflow_id": secrets.token_hex(_ID_BYTES),
            "workflow_id_reuse_policy": "reject",
            "authenticated_user": order.channel,
        }
        handle: WorkflowHandleAsync[Outcome] = await self._client.enqueue_async(
            options, asdict(order)
        )
        return handle.workflow_id

    async def watch(self, job_id: str) -> AsyncGenerator[Progress]:
        order = order_of(await self._status(job_id))
        shown: Progress | None = None
        async with aclosing(self._poller.progress(job_id, order.key)) as stages:
            coming = asyncio.ensure_future(anext(stages, None))
            try:
                while True:
                    await asyncio.wait({coming}, timeout=_silence_s(shown))
                    if coming.done():
                        if (progress := coming.result()) is None:
                            return
                        coming = asyncio.ensure_future(anext(stages, None))
                    else:
                        progress = self._in_silence(
                            order, shown or Progress("wait"), self._pause_s()
                        )
                    if progress != shown:
                        shown = progress
                        yield shown
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _in_silence(self, order: Order, shown: Progress, pause_s: float) -> Progress:
        """What an order does of which nothing more is told. That it waits for YouTube is told only
        in the process that works; YouTube's pause is known to all of a data folder."""
        may_need_youtube = shown.stage in _MAY_NEED_YOUTUBE and not is_file_id(order.video_id)
        if self._poller.is_running_here(order.key) or not may_need_youtube:
            return shown
        if pause_s:
            return Progress("youtube", 0.0, round(pause_s))
        return Progress("wait") if shown.stage == "youtube" else shown

    async def outcome(self, job_id: str) -> tuple[Order, tuple[str, ...]]:
        await self._status(job_id)
        await self._poller.finished(job_id)
        status = await self._status(job_id, load_output=True)
        if error := _error_of(status):
            raise error
        assert status.output is not None
        return order_of(status), tuple(status.output["notes"])

    async def pending(self, channel: str | None = None) -> list[Job]:
        owners = [] if channel is None else [channel]
        found = await self._list(ORDER, LIVE, owners, load_input=False)
        if not found:
            return []
        orders = await self._orders_of([status.workflow_id for status in found])
        keys = {order.key for order in orders.values()} if owners else ()
        latest = await self._poller.latest(keys)
        pause_s = self._pause_s()
        return [
            Job(
                status.workflow_id,
                order,
                self._in_silence(order, latest.get(order.key, Progress("wait")), pause_s),
            )
            for status in found
            if (order := orders.get(status.workflow_id))  # else it was deleted meanwhile
        ]

    async def ended(self, since: datetime) -> list[EndedJob]:
        orders = await self._client.list_workflows_async(
            name=ORDER, status=_OVER, completed_after=(since - _WHOLE_SECOND).isoformat()
        )
        if not orders:
            return []
        # An order's first ingest may have ended long before it, where it waited for YouTube.
        earliest = min(_time(order.created_at) for order in orders)
        ingests = await self._client.list_workflows_async(
            name=INGEST,
            user=list({order_of(order).key for order in orders}),
            completed_after=earliest.isoformat(),
            load_input=False,
            load_output=False,
        )
        return [
            EndedJob(
                order.workflow_id,
                order_of(order),
                _time(order.created_at),
                _time(order.completed_at or order.updated_at),
                _error_of(order),
                _waited_s(order, ingests),
            )
            for order in orders
        ]

    def worker(self) -> WorkerState:
        return self._worker.state

    def works_by(self, worker: Worker) -> None:
        """Let `worker` say what `worker()` is."""
        self._worker = worker

    async def cancel(self, job_id: str) -> None:
        status = await self._status(job_id)
        if status.status not in LIVE:
            raise UnknownJob(job_id)
        order = order_of(status)
        await self._client.cancel_workflow_async(job_id)
        for _ in range(2):  # the order may be enqueueing its ingest at this moment
            is_wanted = order.key in await self._live_keys()
            if not is_wanted:
                ingests = await self._list(INGEST, LIVE, [order.key])
                await self._client.cancel_workflows_async([each.workflow_id for each in ingests])
            self._poller.wake()
            await asyncio.sleep(QUEUE_POLL_S)
        if not is_wanted:
            await self._ingest.discard(order)

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        ours = [
            job
            for job in await self._list(ORDER, None, [channel])
            if video_id in (None, order_of(job).video_id)
        ]
        live = [job for job in ours if job.status in LIVE]
        for job in live:
            with suppress(UnknownJob):  # it has ended meanwhile
                await self.cancel(job.workflow_id)
        keys = {order_of(job).key for job in ours}
        ingests = await self._list(INGEST, None, keys) if keys else []
        # Listed after the ingests: an order that arrives meanwhile keeps its ingest.
        kept = await self._live_keys()
        gone = [job.workflow_id for job in ours]
        gone += [each.workflow_id for each in ingests if each.authenticated_user not in kept]
        await self._client.delete_workflows_async(gone)
        self._poller.wake()
        return [order_of(job).video_id for job in live]

    async def purge_expired(self) -> None:
        """Delete the outcomes of old jobs, and checkpoints of work that was never finished."""
        await self._ingest.purge_expired()
        before = (datetime.now(UTC) - KEPT).isoformat()
        found = await self._client.list_workflows_async(
            status=_OVER,
            completed_before=before,
            limit=_PURGED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        await self._client.delete_workflows_async([job.workflow_id for job in found])

    async def _status(self, job_id: str, *, load_output: bool = False) -> WorkflowStatus:
        found = await self._client.list_workflows_async(
            workflow_ids=[job_id], name=ORDER, load_output=load_output
        )
        if not found:
            raise UnknownJob(job_id)
        return found[0]

    async def _orders_of(self, job_ids: list[str]) -> dict[str, Order]:
        """The orders by job id. An order never changes, so each is decoded once: decoding all of
        300 jobs would take half the time of listing them (#10)."""
        if unknown := [job_id for job_id in job_ids if job_id not in self._orders]:
            loaded = await self._client.list_workflows_async(
                workflow_ids=unknown, name=ORDER, load_output=False
            )
            self._orders |= {status.workflow_id: order_of(status) for status in loaded}
        found = {job_id: self._orders[job_id] for job_id in job_ids if job_id in self._orders}
        if len(self._orders) > _MAX_DECODED:
            self._orders = found
        return found

    async def _list(
        self,
        name: str,
        status: list[str] | None,
        owners: Collection[str],
        *,
        load_input: bool = True,
    ) -> list[WorkflowStatus]:
        """Orders of these channels, or ingests of these keys; of all where none is given."""
        return await self._client.list_workflows_async(
            name=name, status=status, user=list(owners), load_input=load_input, load_output=False
        )

    async def _live_keys(self) -> set[str]:
        return {order_of(job).key for job in await self._list(ORDER, LIVE, [])}


def _error_of(status: WorkflowStatus) -> CoreError | None:
    """What an order that is over failed with."""
    if status.status == "CANCELLED":
        return JobCancelled()
    if status.status != "SUCCESS":  # a bug of ours: the workflows catch every CoreError
        return JobFailed(str(status.error or status.status))
    outcome: Outcome = status.output or {}
    return from_code(outcome["error"], outcome["facts"]) if "error" in outcome else None


def _waited_s(order: WorkflowStatus, ingests: list[WorkflowStatus]) -> float | None:
    """How long the order waited for the first of the ingests that were worked on for it."""
    ordered, key = _time(order.created_at), order_of(order).key
    begun = [
        _time(ingest.dequeued_at)
        for ingest in ingests
        if ingest.authenticated_user == key
        and ingest.dequeued_at
        and _time(ingest.completed_at) >= ordered
    ]
    return max((min(begun) - ordered).total_seconds(), 0.0) if begun else None


def _silence_s(shown: Progress | None) -> float:
    if shown is None:
        return _SHOW_WAIT_S
    return _PAUSE_TOLD_EVERY_S if shown.stage == "youtube" else _SILENCE_S


def _no_pause() -> float:
    return 0.0


def _time(epoch_ms: int | None) -> datetime:
    return datetime.fromtimestamp((epoch_ms or 0) / 1000, UTC)


@asynccontextmanager
async def open_jobs(
    url: str,
    engine: Engine,
    ingest: Ingest,
    run: RunHere | None,
    lock: Path,
    pause_s: Callable[[], float] = _no_pause,
) -> AsyncIterator[DurableJobs]:
    """Jobs can be submitted and, if `run` is given, one process works on them by `run`: this one,
    or the one that holds `lock` until it ends.

    `url`: for SQLAlchemy with a synchronous driver. `engine`: of the same database; open_jobs
    disposes of it. `pause_s`: for how many seconds YouTube is left alone.

    Raises StoreUnreachable."""
    redirect_dbos_log()
    await asyncio.to_thread(DBOS.migrate, url)
    client = DBOSClient(
        system_database_url=url,
        system_database_engine=engine,
        serializer=SERIALIZER,
        application_name=APPLICATION,
    )
    poller = StatusPoller(client)
    jobs = DurableJobs(client, poller, ingest, pause_s)
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(poller.polling())
            if run:
                work = working(partial(run, poller), lock, jobs.purge_expired)
                jobs.works_by(await stack.enter_async_context(work))
            yield jobs
    finally:
        await asyncio.to_thread(client.destroy)
        await asyncio.to_thread(engine.dispose)
