"""Read what the program exports for Prometheus."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from core.metrics.instruments import Instruments
from core.metrics.measured_ports import MeasuredOutboxEntries
from core.metrics.observer import Observed, Observer
from core.pipeline.front import Pipeline
from core.pipeline.youtube_gate import YouTubeGate
from core.workers.supervisor import ChildSupervisor
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.store import MemoryStore


class Exported:
    """One answer of `/metrics`, parsed by Prometheus's own reader."""

    def __init__(self, text: bytes) -> None:
        self.text = text.decode()

    @classmethod
    def of(cls, registry: CollectorRegistry) -> Exported:
        return cls(generate_latest(registry))

    @cached_property
    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        families = text_string_to_metric_families(self.text)
        return [(s.name, s.labels, s.value) for family in families for s in family.samples]

    @property
    def names(self) -> set[str]:
        return {name for name, _, _ in self.samples}

    @property
    def families(self) -> dict[str, str]:
        """Type by name, also of those that have no sample yet."""
        return {one.name: one.type for one in text_string_to_metric_families(self.text)}

    def value(self, name: str, **labels: str) -> float:
        [found] = [value for known, own, value in self.samples if (known, own) == (name, labels)]
        return found

    def by(self, name: str, label: str) -> dict[str, float]:
        return {labels[label]: value for known, labels, value in self.samples if known == name}

    def labels(self, name: str, *labels: str) -> set[tuple[str, ...]]:
        found = [own for known, own, _ in self.samples if known == name]
        return {tuple(own[label] for label in labels) for own in found}


def observer_of(
    pipeline: Pipeline,
    instruments: Instruments,
    gate: YouTubeGate | None = None,
    children: Sequence[ChildSupervisor] = (),
) -> tuple[Observer, MeasuredOutboxEntries]:
    """An observer of these, and of an outbox in memory."""
    outbox = MeasuredOutboxEntries(MemoryStore().outbox_entries, instruments)
    gate = gate or YouTubeGate(FakeFetcher(), Path(tempfile.gettempdir()) / "no-gate")
    return Observer(instruments, Observed(pipeline, children, gate, outbox)), outbox
