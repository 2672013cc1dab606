"""Every query of the Grafana dashboard against what the program really exports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from core.chat_records import OutboxEntry
from core.metrics.instruments import Instruments
from core.workers.limits import FETCH
from core.workers.supervisor import ChildSupervisor
from tests.harness.fake_core import FakeCore
from tests.harness.metrics import Exported, observer_of

DOCS = Path(__file__).parents[2] / "docs"
HANDBOOK = (DOCS / "operating.md").read_text()
BOARD = json.loads((DOCS / "grafana-dashboard.json").read_text())
QUERIES = [
    pytest.param(target["expr"], target["legendFormat"], id=f"{panel['title']} {target['refId']}")
    for panel in BOARD["panels"]
    for target in panel["targets"]
]
WINDOW = re.compile(r"\[(?:\d+[smhd]|\$__rate_interval)\]")
SELECTOR = re.compile(r"([a-z_]+)\{([^}]*)\}")
GROUPS = re.compile(r"\bby \(([\w, ]*)\)")
FUNCTIONS = {"sum", "max", "rate", "increase", "histogram_quantile", "by"}
OF_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus itself adds to what it reads."""


@pytest.fixture
async def exported(tmp_path) -> Exported:
    """Return what a process exports that has counted each thing once."""
    instruments = Instruments()
    children = [ChildSupervisor(FETCH, {})]
    observer, outbox = observer_of(FakeCore(tmp_path).pipeline(), instruments, children=children)
    await outbox.add(OutboxEntry("discord", "a", "p", "{}"))
    for counter in vars(instruments).values():
        if getattr(counter, "_labelnames", ()):
            counter.labels(*["x"] * len(counter._labelnames))
    return Exported(await observer.text())


@pytest.mark.parametrize(("query", "legend"), QUERIES)
async def test_a_query_asks_for_what_is_exported(exported, query, legend):
    labels_of: dict[str, set[str]] = {}
    for name, labels, _ in exported.samples:
        labels_of.setdefault(name, set()).update(labels)
    selectors = SELECTOR.findall(query)
    assert selectors
    for name, matchers in selectors:
        assert name in labels_of, f"{name} is not exported"
        asked = {matcher.partition("=")[0].strip() for matcher in matchers.split(", ")}
        asked |= {label.strip() for group in GROUPS.findall(query) for label in group.split(",")}
        asked |= set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert asked <= labels_of[name] | OF_PROMETHEUS
    rest = WINDOW.sub("", GROUPS.sub("", SELECTOR.sub("", query)))
    assert set(re.findall(r"[a-z_]+", rest)) <= FUNCTIONS
    assert rest.count("(") == rest.count(")")


@pytest.mark.parametrize(("query", "legend"), QUERIES)
async def test_a_rate_is_taken_of_counters_and_only_of_them(exported, query, legend):
    kinds = exported.families
    for name, _ in SELECTOR.findall(query):
        family = re.sub(r"_(total|bucket)$", "", name)
        is_counted = kinds[family] in ("counter", "histogram")
        assert (f"rate({name}" in query or f"increase({name}" in query) == is_counted


async def test_the_handbook_explains_each_metric_with_its_labels(exported):
    explained = dict(re.findall(r"`(tubethread_[a-z_]+)(?:\{([a-z,]+)\})?`", HANDBOOK))
    ours = {n: kind for n, kind in exported.families.items() if n.startswith("tubethread_")}
    names = {f"{name}_total" if kind == "counter" else name for name, kind in ours.items()}
    assert explained.keys() == names
    for name, labels, _ in exported.samples:
        if (family := re.sub(r"_(bucket|count|sum)$", "", name)) in explained:
            given = {label for label in explained[family].split(",") if label}
            assert labels.keys() - {"le"} == given


async def test_nothing_of_ours_is_exported_that_the_dashboard_leaves_out(exported):
    asked = {name for query in QUERIES for name, _ in SELECTOR.findall(query.values[0])}
    families = {re.sub(r"_(total|bucket)$", "", name) for name in asked}
    ours = {name for name in exported.families if name.startswith("tubethread_")}
    assert ours <= families
