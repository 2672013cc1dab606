"""The numbers of one process, written as Prometheus reads them.

What is counted while it happens is in instruments.py; the rest is read here, when it is asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.errors import JobCancelled
from core.metrics.instruments import Instruments
from core.metrics.measured_ports import MeasuredOutboxEntries
from core.model import EndedJob, Stage
from core.pipeline.front import Pipeline
from core.pipeline.youtube_gate import YouTubeGate
from core.workers.supervisor import ChildSupervisor

log = logging.getLogger(__name__)

_OVERLAP = timedelta(seconds=60)
"""A job's end may be stored this long after it: it is looked for again, and counted once."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is read when it is asked for. Borrowed."""

    pipeline: Pipeline
    children: Sequence[ChildSupervisor]
    gate: YouTubeGate
    outbox: MeasuredOutboxEntries


class Observer(Collector):
    """Everything that one process counts. Jobs are those of the whole data folder."""

    def __init__(self, instruments: Instruments, observed: Observed) -> None:
        self._instruments, self._observed = instruments, observed
        self._turn = asyncio.Lock()
        self._since = datetime.now(UTC)
        self._known: set[str] = set()
        """The ended jobs since `_since` that are counted."""
        self._stages: Counter[str] = Counter()
        instruments.registry.register(self)

    async def text(self) -> bytes:
        """All numbers in Prometheus's text format."""
        async with self._turn:
            try:
                await self._read_jobs()
            except Exception:  # DBOS raises whatever its driver does; other numbers may say why
                log.warning("the jobs are not counted", exc_info=True)
            return generate_latest(self._instruments.registry)

    async def _read_jobs(self) -> None:
        pipeline, now = self._observed.pipeline, datetime.now(UTC)
        self._stages = Counter(job.progress.stage for job in await pipeline.pending())
        ended = await pipeline.ended_jobs(self._since)
        for job in ended:
            if job.id not in self._known:
                self._count(job)
        oldest = max(self._since, now - _OVERLAP)
        self._known = {job.id for job in ended if job.ended_at >= oldest}
        self._since = oldest

    def _count(self, job: EndedJob) -> None:
        outcome = "failed" if job.error else "done"
        if isinstance(job.error, JobCancelled):
            outcome = "cancelled"
        self._instruments.jobs_ended.labels(outcome).inc()
        self._instruments.job.observe((job.ended_at - job.ordered_at).total_seconds())
        if job.waited_s is not None:
            self._instruments.job_wait.observe(job.waited_s)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        yield _gauge("jobs", "Unfinished jobs by stage.", self._by_stage(), "stage")
        yield _gauge("jobs_waiting", "Jobs in the queue.", {"": self._stages["wait"]})
        backlog = self._observed.outbox.backlog()
        yield _gauge("outbox_backlog", "Messages to be sent.", backlog, "platform")
        yield from self._children()
        gate = self._observed.gate
        yield _gauge("youtube_pause_seconds", "Left of a pause.", {"": gate.pause_s()})
        yield _gauge("youtube_refusals", "Not made up for yet.", {"": gate.refusals()})

    def _by_stage(self) -> dict[str, float]:
        return {stage: self._stages[stage] for stage in get_args(Stage)}

    def _children(self) -> Iterator[Metric]:
        started = _counter("child_starts", "Child processes started.", "child")
        failed = _counter("child_failures", "Child processes that failed.", "child")
        for child in self._observed.children:
            started.add_metric([child.limits.name], child.starts)
            failed.add_metric([child.limits.name], child.failures)
        yield from (started, failed)


def _gauge(name: str, text: str, values: Mapping[str, float], label: str = "") -> Metric:
    labels = [label] if label else []
    family = GaugeMetricFamily(f"tubethread_{name}", text, labels=labels)
    for value, number in values.items():
        family.add_metric([value] if label else [], number)
    return family


def _counter(name: str, text: str, label: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"tubethread_{name}", text, labels=[label])
