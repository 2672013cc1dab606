"""What `jobs --watch` and `jobs --failed` tell."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from rich.live import Live

from bot.cli.commands import Commands, Outcome, Stop
from bot.cli.job_views import JobLines, JobTable
from bot.cli.output import JsonOutput, TextOutput
from bot.rendering.jobs import render_failed
from bot.words import Words
from core.errors import JobCancelled, NotMedia, RateLimited, VideoPrivate
from core.model import EndedJob, Job, Order, Progress
from core.sources import Link
from tests.fakes.fetcher import FakeFetcher
from tests.harness.eventually import eventually
from tests.harness.fake_core import BEES, VIDEOS, FakeCore

EN, KO = Words("en"), Words("ko")
AT = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
ORDER = Order("aaaaaaaaaaa-1", "aaaaaaaaaaa", "", "discord:7", "en")
JOB = Job("1f", ORDER, Progress("wait"))
ENDED = EndedJob("1f", ORDER, AT - timedelta(minutes=5), AT)


def at(stage: str, fraction: float = 0.0) -> Job:
    return replace(JOB, progress=Progress(stage, fraction))


def test_a_failed_job_tells_when_where_which_video_why_and_what_to_do():
    name, path = "notes\x1b[31m.mp3", "/data/uploads/4f/9a"
    file = Order("key", "file-" + "6f" * 16, path, "console", "en", name)
    failed = [
        replace(ENDED, error=VideoPrivate()),
        replace(ENDED, error=NotMedia("notes.mp3"), order=file, id="2a"),
    ]
    first, second = render_failed(failed, {"1f": "Bees\nFAKE"}, 7, EN).split("\n\n")
    head, message, hint = first.splitlines()
    assert (
        head
        == f"{AT.astimezone():%Y-%m-%d %H:%M}  discord:7  Bees FAKE · https://youtu.be/aaaaaaaaaaa"
    )
    assert message.strip() == EN("errors.video_private.message")
    assert hint.strip() == EN("errors.video_private.hint")
    assert second.splitlines()[0].endswith("console  notes.mp3")
    assert "uploads" not in second
    assert KO("errors.video_private.message") in render_failed(failed[:1], {}, 7, KO)


def test_nothing_that_failed_is_told_in_the_right_number():
    assert render_failed([], {}, 1, EN) == "No job failed in the last 1 day."
    assert render_failed([], {}, 7, EN) == "No job failed in the last 7 days."


def test_without_a_terminal_each_change_is_a_line():
    lines: list[str] = []
    view = JobLines(EN, lines.append)
    other = replace(JOB, id="2a")
    view.show([JOB, other], [])
    view.show([at("download", 0.1), other], [])
    view.show([at("download", 0.9), other], [])
    view.show([other], [ENDED])
    view.show([], [ENDED, replace(ENDED, id="2a", error=RateLimited())])
    view.show([], [replace(ENDED, id="2a", error=RateLimited())])
    said = [line.split("  ", 4) for line in lines]
    assert [(job, text) for _, job, _, _, text in said] == [
        ("1f", EN("stages.wait")),
        ("2a", EN("stages.wait")),
        ("1f", EN("stages.download")),
        ("1f", "Done"),
        ("2a", f"Failed: {EN('errors.rate_limited.message')}"),
    ]
    assert {channel for _, _, _, channel, _ in said} == {"discord:7"}


def test_on_a_terminal_the_table_shows_what_is_and_what_ended_lately():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, height=20, color_system=None)
    with Live(console=console, auto_refresh=False) as live:
        view = JobTable(live, EN)
        view.show([at("transcribe", 0.5)], [])
        assert "50%" in screen.getvalue()
        screen.truncate(screen.seek(0))
        over = [replace(ENDED, id=f"0{n}", error=JobCancelled()) for n in range(9)]
        view.show([], over)
    shown = screen.getvalue()
    assert [f"0{n}" in shown for n in range(9)] == [False] * 4 + [True] * 5
    assert EN("jobs.none") in shown


def test_programs_read_each_change_and_each_end_once(capsys):
    with JsonOutput(EN).watching() as show:
        show([JOB], [])
        show([JOB], [])
        show([at("index", 0.5)], [])
        for _ in range(2):
            show([], [replace(ENDED, error=VideoPrivate(), waited_s=2.0)])
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["jobs", "jobs", "ended", "jobs"]
    assert events[2] == {
        "event": "ended",
        "id": "1f",
        "video_id": BEES.id,
        "channel": "discord:7",
        "ordered_at": "2026-12-01T12:25:00+00:00",
        "ended_at": "2026-12-01T12:30:00+00:00",
        "waited_s": 2.0,
        "error": events[2]["error"],
    }
    assert events[2]["error"]["code"] == "video_private"


@pytest.fixture
def world(tmp_path) -> FakeCore:
    (tmp_path / "scratch").mkdir()
    return FakeCore(tmp_path / "scratch")


async def run_jobs(core: Commands, *sources: Link, channel: str = "hive") -> None:
    """Order the videos, and wait for their jobs, whatever becomes of them."""
    jobs = [await core.submit((await core.find_ready(source, channel))[1]) for source in sources]
    await asyncio.gather(*(anext(core.resume(job), None) for job in jobs))
    await eventually(core_is_idle(core))


def core_is_idle(core):
    async def is_idle() -> bool:
        return not await core.pending()

    return is_idle


def commands(core, output) -> Commands:
    return Commands(core, Outcome(output), "hive", Stop())


async def test_only_what_failed_is_listed_of_one_place_or_of_all(world, capsys):
    world.fetcher = FakeFetcher(VIDEOS[0])  # the others do not exist
    core = world.pipeline()
    await run_jobs(core, Link(VIDEOS[0].id), Link(VIDEOS[1].id))
    await run_jobs(core, Link(VIDEOS[2].id), channel="sea")
    told = commands(core, JsonOutput(EN))
    await told.failed_jobs(None, 7)
    await told.failed_jobs("sea", 7)
    everywhere, at_sea = map(json.loads, capsys.readouterr().out.splitlines())
    assert [job["video_id"] for job in everywhere["jobs"]] == [VIDEOS[1].id, VIDEOS[2].id]
    assert [job["channel"] for job in at_sea["jobs"]] == ["sea"]
    assert everywhere["jobs"][0]["error"]["code"] == "video_removed"
    assert "event" not in everywhere["jobs"][0]


async def test_a_watch_goes_on_until_it_is_stopped(world, capsys):
    core = world.pipeline()
    watching = asyncio.create_task(commands(core, TextOutput(EN)).watch_jobs(None))
    await run_jobs(core, Link(BEES.id))
    out = ""

    def is_told() -> bool:
        nonlocal out
        out += capsys.readouterr().out
        return "Done" in out

    await eventually(is_told)
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert watching.cancelled()
