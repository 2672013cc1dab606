"""Jobs survive kills of their worker processes. `make torture` kills a hundred in a round."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from dataclasses import replace

import pytest

from tests.harness.commit_kills import Point
from tests.harness.job_process import WINDOWS, Journal, Wish
from tests.torture.jobs import CHANNELS, FILE, check, kill, living, make, run

SEED, KILLS = 0, 7
SLOWLY_S = 0.5
"""Seconds per window: long enough to catch a process in the middle of one."""


@pytest.fixture
def life(tmp_path):
    """Create five orders of one video."""
    return make(tmp_path / "life", [Wish(channel) for channel in CHANNELS])


@pytest.fixture
def slow(life):
    return replace(life, window_s=SLOWLY_S)


async def until(life, event, times=1):
    journal = Journal(life.folder)
    async with asyncio.timeout(30):
        while len(journal.events(event)) < times:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def kill_when_it(does, life):
    """Kill a process while it does the step's work."""
    async with living(life) as process:
        await until(life, does, len(Journal(life.folder).events(does)) + 1)
        process.send(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL


def lives(life, event):
    """Return the processes that did the event, in order."""
    return [told["life"] for told in Journal(life.folder).events(event)]


async def test_killed_anywhere_every_job_ends_once_and_nothing_finished_is_done_again(tmp_path):
    toll = await kill(tmp_path, SEED, KILLS)
    sides = Counter(aim.side for aim in toll.struck if isinstance(aim, Point))
    assert sides["before"]
    assert sides["after"]
    assert sides.total() < len(toll.struck)


async def test_a_process_that_waits_takes_over_after_a_kill(life, slow):
    async with living(slow) as first:
        await until(life, "hears")
        async with living(life) as second:
            await until(life, "watches", 2)
            assert len(set(lives(life, "begins"))) == 1
            first.send(signal.SIGKILL)
            assert await first.ended() == -signal.SIGKILL
            assert await second.ended() == 0
    await check(life, kills=1)
    assert len(set(lives(life, "hears"))) == 2
    assert len(set(lives(life, "outcome"))) == 1


async def test_a_process_that_is_told_to_stop_leaves_its_jobs_to_the_next(life, slow):
    async with living(slow) as process:
        await until(life, "hears", 2)
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    assert Journal(life.folder).events("outcome") == []
    assert await run(life) == 0
    await check(life, kills=1)
    assert len(Journal(life.folder).events("hears")) <= WINDOWS + 1


async def test_a_job_that_another_release_began_begins_anew_and_hears_nothing_again(life):
    await kill_when_it("reads", replace(life, names={"transcribe": "listen"}))
    assert await run(life) == 0
    await check(life, kills=1, statuses={"SUCCESS", "ERROR"})
    assert len(Journal(life.folder).events("hears")) == WINDOWS


async def test_a_job_that_takes_the_program_down_again_and_again_is_given_up_alone(life, slow):
    other = Wish("other", FILE)
    life, slow = (
        replace(each, wishes=(*life.wishes, other), recovery_attempts=2) for each in (life, slow)
    )
    for _ in range(life.recovery_attempts + 1):
        await kill_when_it("hears", slow)
    assert await run(life) == 0
    told = {event["job"]: event for event in Journal(life.folder).events("outcome")}
    assert len(told) == len(life.wishes)
    assert Counter(event.get("error") for event in told.values()) == {"job_failed": 5, None: 1}
