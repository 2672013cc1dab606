"""The port for metrics and health, over a core in memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from socket import gethostbyname, gethostname, socket

import httpx
import pytest

from bot.monitoring.http_server import serving_metrics
from bot.monitoring.readiness import Readiness
from core.bootstrap import ChatCore, chat_records
from core.errors import ConfigInvalid, DiskFull
from core.metrics.instruments import Instruments
from tests.harness.fake_core import FakeCore
from tests.harness.metrics import Exported, observer_of


@pytest.fixture
def port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Parts:
    """A core whose parts a test can break."""

    def __init__(self, folder) -> None:
        self.world = FakeCore(folder)
        self.pipeline = self.world.pipeline()
        self.failure: Exception | None = None
        self.writes = 0
        self.platforms = {"discord": lambda: True, "telegram": lambda: True}
        observer, _ = observer_of(self.pipeline, Instruments())
        records = chat_records(self.world.store)
        self.core = ChatCore(self.pipeline, records, self.write, observer)

    async def write(self) -> None:
        self.writes += 1
        if self.failure:
            raise self.failure


@pytest.fixture
def parts(tmp_path) -> Parts:
    return Parts(tmp_path)


@asynccontextmanager
async def asking(parts, port, *, works=True):
    async with (
        serving_metrics(parts.core, port, parts.platforms, works=works),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


async def test_a_process_that_can_serve_says_so(parts, port):
    async with asking(parts, port) as client:
        assert (await client.get("/healthz")).json()["alive"]
        ready = await client.get("/readyz")
        metrics = await client.get("/metrics")
        assert (await client.get("/")).status_code == 404
        assert (await client.post("/metrics")).status_code == 405
    assert ready.status_code == 200
    checks = dict.fromkeys(("discord", "telegram", "store", "worker"), "ok")
    assert ready.json() == {"ready": True, "checks": checks}
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "tubethread_jobs_waiting" in Exported(metrics.content).names


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("telegram", "not connected"),
        ("store", "disk_full"),
        ("worker", "failing"),
        ("worker", "off"),
        ("worker", "elsewhere"),
    ],
)
async def test_what_is_missing_is_named(parts, port, part, reason):
    if part == "store":
        parts.failure = DiskFull()
    elif part == "worker":
        parts.world.jobs.worker = lambda: reason
    else:
        parts.platforms[part] = lambda: False
    async with asking(parts, port) as client:
        ready = await client.get("/readyz")
        assert (await client.get("/healthz")).status_code == 200
    is_ready = reason == "elsewhere"
    assert ready.status_code == (200 if is_ready else 503)
    assert ready.json()["checks"][part] == ("ok" if is_ready else reason)
    assert list(ready.json()["checks"].values()).count("ok") == (4 if is_ready else 3)


async def test_a_process_that_does_not_work_needs_no_worker(parts, port):
    parts.world.jobs.worker = lambda: "off"
    async with asking(parts, port, works=False) as client:
        assert (await client.get("/readyz")).json()["ready"]


async def test_the_store_is_written_at_most_once_in_ten_seconds(parts):
    now = [100.0]
    readiness = Readiness(parts.core, {}, works=False, clock=lambda: now[0])
    for _ in range(3):
        assert (await readiness.health()).is_ready
    parts.failure = DiskFull()
    assert (await readiness.health()).is_ready
    now[0] += 10
    assert (await readiness.health()).reasons["store"] == "disk_full"
    assert parts.writes == 2


async def test_a_store_that_does_not_answer_blocks_no_answer(parts):
    async def never() -> None:
        await asyncio.Event().wait()

    core = ChatCore(parts.pipeline, parts.core.records, never, None)
    readiness = Readiness(core, {}, works=False, clock=lambda: 0.0, timeout_s=0.01)
    assert (await readiness.health()).reasons["store"] == "no answer"


async def test_nobody_else_reaches_the_port(parts, port):
    async with asking(parts, port):
        for host in {"127.0.0.2", gethostbyname(gethostname())} - {"127.0.0.1"}:
            with socket() as free:  # only what listens on all addresses would keep it
                free.bind((host, port))


async def test_a_port_that_is_taken_is_told(parts, port):
    async with asking(parts, port):
        with pytest.raises(ConfigInvalid) as caught:
            async with serving_metrics(parts.core, port, {}, works=False):
                pass
    assert caught.value.key == "metrics.port"
