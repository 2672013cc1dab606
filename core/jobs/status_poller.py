"""Poll the jobs' database once for everything in this process that waits for a job.

Work in this process wakes the poller and publishes its progress directly. Other processes' work is
seen at the next poll: 0.25 s after the last change, backing off to 1 s while nothing changes.
Without anybody who waits, nothing is polled (#10).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from dbos import DBOSClient

from core.json_values import from_plain
from core.model import Progress

log = logging.getLogger(__name__)

ORDER, INGEST = "order", "ingest"
"""The workflows, and the queues they wait in. DBOS can filter by `authenticated_user` on every
database, so an order's is its channel and an ingest's is its key."""
PROGRESS = "progress"
"""The event that holds an ingest's latest progress."""
LIVE = ["ENQUEUED", "PENDING"]

_AFTER_WAKE_S = 0.05
"""DBOS writes a workflow's end after the workflow has returned, within 10 ms on an idle machine."""
_AFTER_CHANGE_S = 0.25
_LONGEST_S = 1.0


@dataclass(eq=False, slots=True)
class _Reader:
    """One watcher of a key's progress. `None` in `news` ends it."""

    news: asyncio.Queue[Progress | None] = field(default_factory=asyncio.Queue)
    last: Progress | None = None

    def tell(self, progress: Progress) -> bool:
        """Whether it is new to this reader."""
        if progress == self.last:
            return False
        self.last = progress
        self.news.put_nowait(progress)
        return True


class StatusPoller:
    """Tells waiters when a workflow ends and watchers how far an ingest is."""

    def __init__(self, client: DBOSClient) -> None:
        self._client = client  # borrowed
        self._waiting: dict[str, set[asyncio.Future[bool]]] = {}
        self._readers: dict[str, set[_Reader]] = {}
        self._here: dict[str, Progress | None] = {}
        """Latest progress of the ingests that run in this process, by key."""
        self._woken = asyncio.Event()

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._poll_forever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def wake(self) -> None:
        """Poll soon: something has changed, or somebody new waits."""
        self._woken.set()

    async def finished(self, workflow_id: str) -> bool:
        """Wait until the workflow is over. False if it is no longer known."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workflow_id, set()).add(future)
        self.wake()
        try:
            return await future
        finally:
            _discard(self._waiting, workflow_id, future)

    async def progress(self, job_id: str, key: str) -> AsyncGenerator[Progress]:
        """The progress of the key's ingest from now on, until the job is over. Work in this process
        shows every stage, work elsewhere the latest value of each poll."""
        reader = _Reader()
        over = asyncio.create_task(self.finished(job_id))
        over.add_done_callback(lambda _: reader.news.put_nowait(None))
        self._readers.setdefault(key, set()).add(reader)
        if latest := self._here.get(key):
            reader.tell(latest)
        try:
            while progress := await reader.news.get():
                yield progress
        finally:
            over.cancel()
            _discard(self._readers, key, reader)

    @contextmanager
    def running_here(self, key: str) -> Iterator[None]:
        """This process works on the key: its progress comes by `publish`, not from the database."""
        self._here[key] = None
        try:
            yield
        finally:
            self._here.pop(key, None)
            self.wake()

    def is_running_here(self, key: str) -> bool:
        return key in self._here

    def publish(self, key: str, progress: Progress) -> None:
        if key in self._here:
            self._here[key] = progress
        for reader in self._readers.get(key, ()):
            reader.tell(progress)

    async def latest(self, keys: Collection[str] = ()) -> dict[str, Progress]:
        """The progress of running ingests by key: of those `keys`, or of all."""
        found = {key: progress for key, progress in self._here.items() if progress}
        elsewhere = [key for key in keys if key not in self._here]
        if keys and not elsewhere:
            return found
        running = await self._client.list_workflows_async(
            name=INGEST, status="PENDING", user=elsewhere, load_input=False, load_output=False
        )
        for ingest in running:
            key = ingest.authenticated_user or ""
            if key not in self._here and (progress := await self._stored(ingest.workflow_id)):
                found[key] = progress
        return found

    async def _stored(self, ingest_id: str) -> Progress | None:
        value: Any = await self._client.get_event_async(ingest_id, PROGRESS, timeout_seconds=0)
        return from_plain(Progress, value) if value else None

    async def _poll_forever(self) -> None:
        pause_s = _AFTER_CHANGE_S
        while True:
            if await self._is_woken_within(pause_s if self._waiting else None):
                self._woken.clear()
                pause_s = _AFTER_WAKE_S
                await asyncio.sleep(pause_s)
            try:
                is_changed = await self._poll_progress()
                is_changed |= await self._poll_ends()
            except Exception:  # DBOS raises whatever its driver does; the next poll may succeed
                log.warning("could not poll the jobs", exc_info=True)
                is_changed = False
            pause_s = _AFTER_CHANGE_S if is_changed else min(2 * pause_s, _LONGEST_S)

    async def _is_woken_within(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._woken.wait()
        except TimeoutError:
            return False

    async def _poll_progress(self) -> bool:
        elsewhere = self._readers.keys() - self._here.keys()
        if not elsewhere:
            return False
        told = [
            reader.tell(progress)
            for key, progress in (await self.latest(elsewhere)).items()
            if key not in self._here
            for reader in self._readers.get(key, ())
        ]
        return any(told)

    async def _poll_ends(self) -> bool:
        asked = list(self._waiting)
        if not asked:
            return False
        over = set(asked) - await self._known(asked, LIVE)
        known = await self._known(list(over)) if over else set()
        for workflow_id in over:
            for future in self._waiting.get(workflow_id, ()):
                if not future.done():
                    future.set_result(workflow_id in known)
        return bool(over)

    async def _known(self, workflow_ids: list[str], status: list[str] | None = None) -> set[str]:
        found = await self._client.list_workflows_async(
            workflow_ids=workflow_ids, status=status, load_input=False, load_output=False
        )
        return {workflow.workflow_id for workflow in found}


def _discard(members: dict[str, set[Any]], key: str, member: object) -> None:
    members[key].discard(member)
    if not members[key]:
        del members[key]
