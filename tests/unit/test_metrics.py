"""What an operator can count, and that no label tells what people say or who they are."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from core.chat_records import OutboxEntry, Quota
from core.config import Metrics
from core.errors import CoreError, ModelStalled, NotALink, RateLimited, WorkerFailed
from core.metrics.counting import counting
from core.metrics.instruments import Instruments
from core.metrics.log_counter import LogCounter
from core.metrics.measured_ports import (
    MeasuredModel,
    MeasuredOutboxEntries,
    MeasuredThreads,
    MeasuredTranscriber,
    MeasuredUsage,
)
from core.model import Answer, Segment, Turn
from core.pipeline.youtube_gate import YouTubeGate
from core.ports import Message
from core.sources import Link
from core.workers.limits import FETCH, SPEECH
from core.workers.supervisor import ChildSupervisor
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.language_model import Broken, ScriptedModel
from tests.fakes.store import MemoryStore
from tests.fakes.transcriber import FakeTranscriber, WaitingTranscriber
from tests.harness.fake_core import BEES, SAID, VIDEOS, FakeCore
from tests.harness.metrics import Exported, observer_of

PROMPT = (Message("user", "Why do bees dance?"),)
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


@pytest.fixture
def world(tmp_path) -> FakeCore:
    (tmp_path / "scratch").mkdir()
    return FakeCore(tmp_path / "scratch")


def exported(instruments: Instruments) -> Exported:
    return Exported.of(instruments.registry)


async def test_speech_counts_neither_the_loading_nor_its_reader(instruments, tmp_path):
    clock, audio = Clock(), tmp_path / "audio"
    audio.write_bytes(b"x")

    class Slow(FakeTranscriber):
        async def transcribe(self, *how):
            clock.now += 100  # loading
            async for window in super().transcribe(*how):
                yield window
                clock.now += 2

    segments = (Segment(0, 4, "a"), Segment(5, 9, "b"))
    measured = MeasuredTranscriber(Slow(*segments), instruments, clock)
    async with aclosing(measured.transcribe(audio, "en")) as windows:
        async for _ in windows:
            clock.now += 50  # the reader
    found = exported(instruments)
    assert found.value("tubethread_speech_seconds_total") == 4
    assert found.value("tubethread_speech_audio_seconds_total") == 9


async def test_audio_that_an_earlier_process_heard_is_not_counted_again(instruments, tmp_path):
    audio = tmp_path / "audio"
    audio.write_bytes(b"x")
    said = FakeTranscriber(Segment(0, 4, "a"), Segment(5, 9, "b"))
    measured = MeasuredTranscriber(said, instruments)
    assert [window async for window in measured.transcribe(audio, "en", 4.0)]
    assert exported(instruments).value("tubethread_speech_audio_seconds_total") == 5


async def test_a_reader_that_stops_stops_the_work(instruments, tmp_path):
    audio = tmp_path / "audio"
    audio.write_bytes(b"x")
    said = WaitingTranscriber(*SAID)
    async with aclosing(MeasuredTranscriber(said, instruments).transcribe(audio, "en")) as windows:
        async for window in windows:
            if window.segments:
                break
    assert said.closed.is_set()


async def test_requests_to_the_model_count_also_when_they_fail(instruments):
    clock = Clock()
    replies = ["Bees dance.", Broken("Bees", ModelStalled(5)), {"topic": "bees"}, ModelStalled(5)]
    model = MeasuredModel(ScriptedModel(replies), instruments, clock)
    async for _ in model.stream(PROMPT, max_tokens=64):
        clock.now += 9  # the reader's
    with pytest.raises(ModelStalled):
        async for _ in model.stream(PROMPT, max_tokens=64):
            pass
    await model.complete(PROMPT, max_tokens=64, schema={})
    with pytest.raises(ModelStalled):
        await model.complete(PROMPT, max_tokens=64, schema={})
    found = exported(instruments)
    assert found.value("tubethread_model_seconds_count", kind="stream") == 2
    assert found.value("tubethread_model_seconds_sum", kind="stream") == 0
    assert found.value("tubethread_model_seconds_count", kind="json") == 2
    asked, said = model.tokens(PROMPT[0].text), ("Bees dance.", "Bees", '{"topic": "bees"}')
    assert found.value("tubethread_model_tokens_total", direction="prompt") == 4 * asked
    replied = found.value("tubethread_model_tokens_total", direction="reply")
    assert replied == sum(map(model.tokens, said))


async def test_answers_count_by_what_they_rest_on(instruments):
    store = MemoryStore()
    threads = MeasuredThreads(store.threads, instruments)
    whole = Answer("Why?", "Because.", (), (), grounded=True, engine="extractive")
    for answer in (whole, whole, replace(whole, partly=True), replace(whole, grounded=False)):
        await threads.add("hive", "t", Turn("Why?", answer), [])
    found = exported(instruments)
    assert found.by("tubethread_answers_total", "grounding") == {
        "grounded": 2, "partly": 1, "none": 1,
    }  # fmt: skip


async def test_what_a_quota_refuses_counts_without_whose_it_is(instruments):
    usage = MeasuredUsage(MemoryStore().usage, instruments)
    person = Quota("person:telegram:4711", "videos", 1)
    for _ in range(3):
        await usage.take([person, Quota("all", "videos", 9)], NOON)
    found = exported(instruments)
    assert found.value("tubethread_refusals_total", kind="videos", scope="person") == 2
    assert "4711" not in found.text


async def test_messages_wait_until_they_are_delivered_or_dropped(instruments):
    entries = MeasuredOutboxEntries(MemoryStore().outbox_entries, instruments)
    first = OutboxEntry("discord", "a", "p", "{}")
    await entries.add(first)
    growing = await entries.add(replace(first, key="b", finished=False))
    other = await entries.add(replace(first, key="c", platform="telegram"))
    assert entries.backlog() == {"discord": 2, "telegram": 1}
    await entries.save(replace(first, target="m1", shown=1))
    await entries.save(replace(growing, target="m2", shown=1))
    assert entries.backlog() == {"discord": 0, "telegram": 1}
    await entries.save(replace(growing, target="m2", shown=1, revision=2, finished=True))
    assert entries.backlog()["discord"] == 1
    await entries.save(replace(growing, target="m2", shown=2, revision=2, finished=True))
    await entries.save(replace(other, shown=1))
    assert set(entries.backlog().values()) == {0}
    found = exported(instruments)
    name = "tubethread_deliveries_total"
    assert found.value(name, platform="discord", result="delivered") == 2
    assert found.value(name, platform="telegram", result="dropped") == 1


async def test_messages_that_an_earlier_process_left_wait_too(instruments):
    store = MemoryStore()
    await store.outbox_entries.add(OutboxEntry("discord", "a", "p", "{}"))
    entries = MeasuredOutboxEntries(store.outbox_entries, instruments)
    assert entries.backlog() == {}
    await entries.unfinished("discord")
    await entries.unfinished("telegram")
    assert entries.backlog() == {"discord": 1, "telegram": 0}


def test_errors_count_by_where_they_are_logged_and_their_code(instruments):
    counter = LogCounter(instruments)

    def logged(logger: str, *args: object, raised: Exception | None = None) -> None:
        failed = (type(raised), raised, None) if raised else None
        text = " ".join(["%s"] * len(args))
        counter.emit(logging.LogRecord(logger, logging.WARNING, "", 1, text, args, failed))

    logged("core.jobs.workflows", "key", RateLimited())
    logged("core.workers.supervisor", "fetch", raised=WorkerFailed("fetch"))
    logged("bot.handlers.error_boundary", NotALink("my secret"))
    logged("bot.handlers.error_boundary", raised=ZeroDivisionError("my secret"))
    logged("discord.client", raised=ZeroDivisionError())
    logged("discord.gateway", "nothing failed")
    found = exported(instruments)
    assert found.labels("tubethread_errors_total", "room", "code") == {
        ("core.jobs", "rate_limited"),
        ("core.workers", "worker_failed"),
        ("bot.handlers", "not_a_link"),
        ("bot.handlers", "unexpected"),
        ("libraries", "unexpected"),
    }
    assert found.value("tubethread_log_lines_total", level="warning") == 6
    assert "secret" not in found.text


def test_only_a_wanted_port_counts_and_nothing_stays_at_the_log():
    before = list(logging.getLogger().handlers)
    with counting(Metrics()) as instruments:
        assert instruments is None
    with counting(Metrics(port=9000)) as instruments:
        assert instruments
        logging.getLogger("core.jobs").error("%s", RateLimited())
        room = {"room": "core.jobs", "code": "rate_limited"}
        assert exported(instruments).value("tubethread_errors_total", **room) == 1
    assert logging.getLogger().handlers == before


async def test_jobs_count_by_stage_and_by_how_they_end(world, instruments):
    failures: dict[str, CoreError] = {}
    world.fetcher = FakeFetcher(*VIDEOS, failures=failures)
    world.transcriber = WaitingTranscriber(*SAID)
    pipeline = world.pipeline()
    observer, _ = observer_of(pipeline, instruments)
    links = (Link(BEES.id), Link("bbbbbbbbbbb"), Link("ccccccccccc"))
    jobs = [await pipeline.submit((await pipeline.find_ready(link, "hive"))[1]) for link in links]
    await world.transcriber.began.wait()
    found = Exported(await observer.text())
    stages = found.by("tubethread_jobs", "stage")
    assert (stages["transcribe"], stages["wait"], stages["youtube"]) == (1, 2, 0)
    assert found.value("tubethread_jobs_waiting") == 2
    await pipeline.cancel(jobs[2])
    failures["look_up"] = RateLimited()
    world.transcriber.go_on.set()
    await asyncio.gather(*map(world.jobs.outcome, jobs), return_exceptions=True)
    for _ in range(2):  # each is counted once
        found = Exported(await observer.text())
        assert found.by("tubethread_jobs_ended_total", "outcome") == {
            "done": 1, "failed": 1, "cancelled": 1,
        }  # fmt: skip
        assert found.value("tubethread_job_seconds_count") == 3
        assert found.value("tubethread_job_wait_seconds_count") == 2
    assert found.value("tubethread_jobs_waiting") == 0


async def test_the_pauses_and_the_children_are_read_when_asked(world, instruments, tmp_path):
    clock = Clock(1000.0)
    fetcher = FakeFetcher(failures={"look_up": RateLimited()})
    gate = YouTubeGate(fetcher, tmp_path / "gate", clock, pauses_s=(300, 900))
    children = [ChildSupervisor(FETCH, {}), ChildSupervisor(SPEECH, {})]
    observer, _ = observer_of(world.pipeline(), instruments, gate, children)
    found = Exported(await observer.text())
    assert found.value("tubethread_youtube_pause_seconds") == 0
    with pytest.raises(RateLimited):
        await gate.look_up("aaaaaaaaaaa")
    clock.now += 60
    children[1].starts, children[1].failures = 3, 2
    found = Exported(await observer.text())
    assert found.value("tubethread_youtube_pause_seconds") == 240
    assert found.value("tubethread_youtube_refusals") == 1
    assert found.by("tubethread_child_starts_total", "child") == {"fetch": 0, "speech": 3}
    assert found.by("tubethread_child_failures_total", "child") == {"fetch": 0, "speech": 2}


async def test_numbers_are_told_also_while_the_jobs_cannot_be_read(world, instruments, caplog):
    pipeline = world.pipeline()
    observer, _ = observer_of(pipeline, instruments)

    async def broken(channel: str | None = None) -> list[object]:
        raise OSError("a driver's own error")

    world.jobs.pending = broken
    assert Exported(await observer.text()).value("tubethread_youtube_refusals") == 0
    assert "the jobs are not counted" in caplog.text
