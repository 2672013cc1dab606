"""This file takes orders, watches, lists and cancels them, from any process, and sees to it that
one process of a data folder works on them (core/jobs/workflows.py).
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dbos import DBOS, DBOSClient, EnqueueOptions, WorkflowHandleAsync, WorkflowStatus, error

from core.errors import JobCancelled, JobFailed, UnknownJob, from_code
from core.jobs.workflows import (
    APPLICATION,
    INGEST,
    LIVE,
    ORDER,
    POLL_S,
    PROGRESS,
    SERIALIZER,
    VERSION,
    WORK,
    Told,
    order_of,
    use_our_log,
)
from core.model import Job, Order, Progress
from core.pipeline.ingest import Ingest
from core.workers.protocol import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
"""How long it is known what came of a job."""
_ID_BYTES = 5
"""Short enough to be typed; one that is known is refused."""
_SOON_S = 1.0
"""Who waits no longer need not be told."""
_LOCK_S = 1.0
_DAY_S = 24 * 3600.0
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_PURGED_AT_ONCE = 1000

Run = Callable[[], AbstractAsyncContextManager[None]]
Handle = WorkflowHandleAsync[Told]


class DurableJobs:
    """Fulfils `Jobs`. Use open_jobs."""

    def __init__(self, client: DBOSClient, ingest: Ingest) -> None:
        self._client = client  # borrowed
        self._ingest = ingest

    async def submit(self, order: Order) -> str:
        options: EnqueueOptions = {
            "workflow_name": ORDER,
            "queue_name": ORDER,
            "app_version": VERSION,
            "workflow_id": secrets.token_hex(_ID_BYTES),
            "workflow_id_reuse_policy": "reject",
        }
        handle: Handle = await self._client.enqueue_async(options, asdict(order))
        return handle.workflow_id

    async def watch(self, job_id: str) -> AsyncGenerator[Progress]:
        async with aclosing(self._stages(job_id)) as stages:
            first = asyncio.ensure_future(anext(stages, None))
            try:
                await asyncio.wait({first}, timeout=_SOON_S)
                if not first.done():
                    yield Progress("wait")
                if (begun := await first) is None:
                    return
            finally:
                first.cancel()
            yield begun
            async for progress in stages:
                yield progress

    async def outcome(self, job_id: str) -> tuple[Order, tuple[str, ...]]:
        order = order_of(await self._status(job_id))
        handle: Handle = await self._client.retrieve_workflow_async(job_id)
        try:
            told = await handle.get_result(polling_interval_sec=POLL_S)
        except error.DBOSAwaitedWorkflowCancelledError as cancelled:
            raise JobCancelled() from cancelled
        except Exception as broke:  # whatever the workflow raised: a fault of ours
            raise JobFailed(str(broke)) from broke
        if "error" in told:
            raise from_code(told["error"], told["facts"])
        return order, tuple(told["notes"])

    async def pending(self) -> list[Job]:
        found = await self._client.list_workflows_async(name=ORDER, status=LIVE, load_output=False)
        return [await self._job(status) for status in found]

    async def cancel(self, job_id: str) -> None:
        status = await self._status(job_id)
        if status.status not in LIVE:
            raise UnknownJob(job_id)
        order = order_of(status)
        await self._client.cancel_workflow_async(job_id)
        for _ in range(2):  # its work may just be beginning
            orders = await self._live(ORDER, order.key)
            if not orders:
                await self._client.cancel_workflows_async(await self._live(INGEST, order.key))
            await asyncio.sleep(POLL_S)
        if not orders:
            await self._ingest.give_up(order)

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        ours = [
            job
            for job in await self._all(ORDER)
            if order_of(job).channel == channel and video_id in (None, order_of(job).video_id)
        ]
        live = [job for job in ours if job.status in LIVE]
        for job in live:
            with suppress(UnknownJob):  # it is over by now
                await self.cancel(job.workflow_id)
        gone = {job.workflow_id for job in ours}
        works = await self._all(INGEST)
        # Listed after the works: who has come meanwhile keeps theirs.
        kept = {order_of(job).key for job in await self._all(ORDER) if job.workflow_id not in gone}
        gone |= {work.workflow_id for work in works if order_of(work).key not in kept}
        await self._client.delete_workflows_async(list(gone))
        return [order_of(job).video_id for job in live]

    async def tidy(self) -> None:
        """Forgets what came of jobs long ago, and work that was never finished."""
        await self._ingest.tidy()
        before = (datetime.now(UTC) - KEPT).isoformat()
        found = await self._client.list_workflows_async(
            status=_OVER,
            completed_before=before,
            limit=_PURGED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        await self._client.delete_workflows_async([job.workflow_id for job in found])

    async def _stages(self, job_id: str) -> AsyncGenerator[Progress]:
        while not (work := await self._work(job_id)):
            if (await self._status(job_id)).status not in LIVE:
                return
            await asyncio.sleep(POLL_S)
        stream = self._client.read_stream_async(work, PROGRESS, polling_interval_sec=POLL_S)
        async with aclosing(stream) as pieces:
            async for told in pieces:
                yield read(Progress, told)

    async def _status(self, job_id: str) -> WorkflowStatus:
        found = await self._client.list_workflows_async(
            workflow_ids=[job_id], name=ORDER, load_output=False
        )
        if not found:
            raise UnknownJob(job_id)
        return found[0]

    async def _all(self, name: str) -> list[WorkflowStatus]:
        return await self._client.list_workflows_async(name=name, load_output=False)

    async def _live(self, name: str, key: str) -> list[str]:
        found = await self._client.list_workflows_async(name=name, status=LIVE, load_output=False)
        return [job.workflow_id for job in found if order_of(job).key == key]

    async def _work(self, job_id: str) -> str | None:
        work: str | None = await self._client.get_event_async(job_id, WORK, timeout_seconds=0)
        return work

    async def _job(self, status: WorkflowStatus) -> Job:
        progress = Progress("wait")
        if work := await self._work(status.workflow_id):
            stream = self._client.read_stream_async(work, PROGRESS, timeout_seconds=0)
            with suppress(error.DBOSStreamTimeoutError):
                async with aclosing(stream) as pieces:
                    async for told in pieces:
                        progress = read(Progress, told)
        created_s = (status.created_at or 0) / 1000
        return Job(status.workflow_id, order_of(status), progress, created_s)


@asynccontextmanager
async def open_jobs(
    url: str, engine: Engine, ingest: Ingest, run: Run | None, lock: Path
) -> AsyncIterator[DurableJobs]:
    """Jobs can be ordered and, if `run` is given, are worked on by `run`, in this process or in
    the one that holds `lock`; when that one ends, this one takes its place.

    `url`: as SQLAlchemy takes it, for a driver that is not async. `engine`: of the same database;
    it is disposed of. Raises StoreUnreachable."""
    use_our_log()
    await asyncio.to_thread(DBOS.migrate, url)
    client = DBOSClient(
        system_database_url=url,
        system_database_engine=engine,
        serializer=SERIALIZER,
        application_name=APPLICATION,
    )
    jobs = DurableJobs(client, ingest)
    try:
        if run is None:
            yield jobs
        else:
            async with _working(run, lock, jobs):
                yield jobs
    finally:
        await asyncio.to_thread(client.destroy)
        await asyncio.to_thread(engine.dispose)


@asynccontextmanager
async def _working(run: Run, lock: Path, jobs: DurableJobs) -> AsyncIterator[None]:
    """Returns once somebody works. Raises what kept this process from it."""
    begun = asyncio.Event()
    working = asyncio.create_task(_work(run, lock, jobs, begun))
    waiting = asyncio.create_task(begun.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
        yield
    finally:
        waiting.cancel()
        working.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


async def _work(run: Run, lock: Path, jobs: DurableJobs, begun: asyncio.Event) -> None:
    """Once somebody works, this ends only when it is cancelled."""
    with lock.open("ab") as file:
        while not _take(file):
            begun.set()
            await asyncio.sleep(_LOCK_S)
        while True:
            try:
                async with run():
                    begun.set()
                    await _tidy(jobs)
            except Exception:  # DBOS raises whatever its driver does, as on a full disk
                if not begun.is_set():
                    raise
                log.error("work broke off and begins again", exc_info=True)
            await asyncio.sleep(_LOCK_S)


async def _tidy(jobs: DurableJobs) -> None:
    while True:
        try:
            await jobs.tidy()
        except Exception:  # as above: work goes on all the same
            log.warning("not tidied", exc_info=True)
        await asyncio.sleep(_DAY_S)


def _take(file: IO[bytes]) -> bool:
    """The system frees it when the process ends, however it ends."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
