"""Simulate thousands of bad days of the outbox on a virtual clock.

Platforms fail, limit the rate and lose responses; the store breaks; processes are killed between
any two awaits. A seed makes each day; a failure names its seed: run `simulate(Day(SEED))` to repeat
it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from bot.chat import Draft, PlaceClosed
from bot.delivery.outbox import Outbox
from core.chat_records import OutboxEntry
from core.errors import StoreBroken
from tests.fakes.chat import FakeChat, Faults
from tests.fakes.store import FakeOutboxEntries
from tests.harness.virtual_loop import run_virtually

PLACES = ("a", "b", "c")


class BreakingOutboxEntries(FakeOutboxEntries):
    """Takes its time, and breaks before or after it has stored."""

    def __init__(self, dice: random.Random, broken: float) -> None:
        super().__init__()
        self.dice, self.broken = dice, broken

    async def _pause(self) -> None:
        await asyncio.sleep(self.dice.uniform(0, 0.05))
        if self.dice.random() < self.broken:
            raise StoreBroken

    async def add(self, effect: OutboxEntry) -> OutboxEntry:
        await self._pause()
        stored = await super().add(effect)
        await self._pause()
        return stored

    async def save(self, effect: OutboxEntry) -> None:
        await self._pause()
        await super().save(effect)
        await self._pause()

    async def purge(self, before: datetime) -> None:
        """Nothing grows old here."""


@dataclass
class Step:
    """Something that a job shows: a message, a growing one, or a thread with a message in it."""

    kind: str
    key: str
    changes: int = 0

    @property
    def last(self) -> str:
        return f"{self.key} done"


@dataclass
class Job:
    """Goes on after a crash with the step it was at, as durable workflows do."""

    place: str
    steps: list[Step]
    done: int = 0
    started: set[str] = field(default_factory=set)


class Day:
    """All that happens, drawn from one seed."""

    def __init__(self, seed: int, *, deduplicates: bool = True) -> None:
        self.seed = seed
        self.dice = dice = random.Random(seed)
        share = dice.choice((0.0, 0.05, 0.25))
        lost = share if deduplicates else dice.choice((0.0, share))
        self.faults = Faults(dice, busy=share, lost=lost, limited=share, slow_s=0.3)
        self.chat = FakeChat(
            deduplicates=deduplicates,
            faults=self.faults,
            editable_s=dice.choice((3600.0, 3600.0, 8.0)),
        )
        self.store = BreakingOutboxEntries(dice, broken=dice.choice((0.0, 0.02, 0.1)))
        self.jobs = [Job(place, self._steps(f"{place}{n}")) for place in PLACES for n in range(2)]
        self.lives_s = [dice.uniform(0, 12) for _ in range(dice.choice((0, 1, 3, 6)))]
        self.closing_s = dice.uniform(0, 20) if dice.random() < 0.2 else None
        self.deleted: set[str] = set()
        self.crashes = 0

    def _steps(self, name: str) -> list[Step]:
        kinds = self.dice.choices(("post", "grow", "thread"), k=self.dice.randint(1, 4))
        return [Step(k, f"{name}-{n}", self.dice.randint(0, 6)) for n, k in enumerate(kinds)]

    async def do(self, job: Job, outbox: Outbox) -> None:
        while job.done < len(job.steps):
            step = job.steps[job.done]
            try:
                await getattr(self, step.kind)(job, step, outbox)
            except StoreBroken:
                continue
            except PlaceClosed:
                assert job.place in self.chat.closed
                return
            await asyncio.sleep(self.dice.uniform(0, 0.1))
            job.done += 1

    async def post(self, job: Job, step: Step, outbox: Outbox) -> None:
        await outbox.post(job.place, Draft((step.last,)), key=step.key)

    async def grow(self, job: Job, step: Step, outbox: Outbox) -> None:
        first = Draft((f"{step.key} begins",))
        live = await outbox.grow(job.place, first, key=step.key, owner=step.key)
        for n in range(step.changes):
            await asyncio.sleep(self.dice.uniform(0, 3))
            live.show(Draft((f"{step.key} {n}",)))
        if self.dice.random() < 0.05 and live.entry.target:
            self.chat.delete(live.entry.target)
            self.deleted.add(step.key)
        await live.finish(Draft((step.last,)))

    async def thread(self, job: Job, step: Step, outbox: Outbox) -> None:
        thread = await outbox.open_thread(
            job.place, step.key, key=f"{step.key}-thread", owner=step.key
        )
        await thread.finish(Draft((step.last,)))
        place = await thread.delivered()
        await outbox.post(place, Draft((step.last,)), key=step.key)

    async def unfinished(self) -> set[str]:
        return {e.owner for e in self.store.effects.values() if not e.finished}


async def simulate(day: Day) -> None:
    for life_s in day.lives_s:
        await live_for(day, life_s)
    await live_for(day, None)
    check(day)


async def live_for(day: Day, life_s: float | None) -> None:
    """One process: it takes up what is there, and is killed, or ends when all is said."""
    outbox = Outbox(day.chat, day.store)
    life = asyncio.create_task(work(day, outbox))
    done, _ = await asyncio.wait([life], timeout=life_s)
    if life in done:
        await life
        return
    day.crashes += 1
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    as_it_was = dict(day.store.effects)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert day.store.effects == as_it_was, f"seed {day.seed}: a killed process wrote"
    day.chat.forget_the_caller()
    await asyncio.sleep(day.dice.uniform(0, 10))


async def work(day: Day, outbox: Outbox) -> None:
    await outbox.resume()
    assert await day.unfinished() == set(outbox.growing()), f"seed {day.seed}"
    async with asyncio.timeout(4 * 3600), asyncio.TaskGroup() as group:
        for job in day.jobs:
            group.create_task(day.do(job, outbox))
        group.create_task(close_a_place(day))
    async with asyncio.timeout(4 * 3600):
        while await day.store.unfinished("fake"):  # noqa: ASYNC110 – a store tells nobody
            await asyncio.sleep(1)


async def close_a_place(day: Day) -> None:
    if day.closing_s is not None:
        await asyncio.sleep(day.closing_s)
        day.chat.closed.add(PLACES[0])


def check(day: Day) -> None:
    """The promises of bot/delivery/outbox.py."""
    assert day.chat.offences == [], f"seed {day.seed}"
    twice = len(day.chat.messages + day.chat.threads) - len(
        {(m.place, m.key) for m in day.chat.messages + day.chat.threads}
    )
    allowed = 0 if day.chat.deduplicates else day.crashes + day.chat.lost
    assert twice <= allowed, f"seed {day.seed}: {twice} messages twice, {allowed} allowed"
    for job in day.jobs:
        if job.place not in day.chat.closed:
            check_job(day, job)


def check_job(day: Day, job: Job) -> None:
    firsts = list(dict.fromkeys(m.draft.text.split()[0] for m in day.chat.messages))
    for step in job.steps:
        if step.key not in day.deleted:
            seen = [m.draft.text for m in day.chat.messages if m.draft.text.split()[0] == step.key]
            wanted = step.last in seen if not day.chat.deduplicates else seen[-1:] == [step.last]
            assert wanted, f"seed {day.seed}: {step.key} shows {seen}"
    inside = [s.key for s in job.steps if s.kind != "thread" and s.key not in day.deleted]
    shown = [key for key in firsts if key in inside]
    assert shown == inside, f"seed {day.seed}: the order in {job.place} is {shown}"


@pytest.mark.parametrize("first", [0, 50])
def test_with_idempotency_keys_every_message_is_shown_once_and_in_order(first):
    seen = Counter()
    for seed in range(first, first + 50):
        day = Day(seed)
        run_virtually(simulate(day))
        seen.update(crashes=day.crashes, lost=day.chat.lost, too_old=day.chat.too_old)
    assert min(seen.values()) > 10, "such days would prove nothing"


def test_without_idempotency_keys_each_crash_or_lost_response_doubles_one_message_at_most():
    for seed in range(1000, 1050):
        run_virtually(simulate(Day(seed, deduplicates=False)))
