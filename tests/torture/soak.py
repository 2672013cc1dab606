"""Thirty days and ten thousand links on a clock that skips what nobody works in, while one in a
hundred calls to YouTube, the engines, the indexes, the chat platform and the store fails. The
memory stays, and handles, threads and temporary files are as many as in the beginning.

Dates stand still (tests/harness/two_speed_loop.py), so what is kept for days is kept for the
whole month: nothing that is purged by its age helps. What the fakes keep for tests, they do not
keep here. Takes an hour or more of CPU time.
"""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from core.model import Video
from tests.fakes.chat import FakeChat
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.indexes import FakeEmbedder, FakeKeywordIndex, FakeVectorIndex
from tests.harness.fault_pairs import Armed, Fates, Injection, known
from tests.harness.scene import ADA, Scene, Speaker
from tests.harness.two_speed_loop import run_skipping
from tests.harness.whole_bot import SCRATCH, open_whole_bot
from tests.torture.pairs import Speech, unfinished

ROUNDS = 1
FAULTS = 0.01
"""Share of the calls that fail."""
SLOPE = 0.01
"""How much more memory a thousand links may leave, as a share of what is used."""
_DAY_S = 24 * 3600.0
_PATIENCE_S = 5.0

BOUNDED = {"Order", "GrowingMessage", "OutboxEntry", "PlaceQueue"}
"""Objects of which the bot keeps the newest, a fixed number: DurableJobs and Outbox."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many links come in how many days: so many at a time, in all channels in turn. After each
    burst some channels are forgotten, in turn. The bot is measured after every so many links."""

    days: float = 30.0
    links: int = 10_000
    a_burst: int = 20
    channels: int = 20
    forgotten: int = 2
    every: int = 1000


MONTH = Plan()


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`. Raises AssertionError if a promise is broken."""
    measured = await live(folder, seed, MONTH)
    resting = measured.resting
    slope = slope_of(resting)
    assert slope <= SLOPE, f"{slope:.2%} more memory for each thousand links: {resting}"
    return (
        f"{MONTH.links} links in {MONTH.days:.0f} days, {measured.faults} calls failed: memory "
        f"{resting[0].memory >> 20} MiB after the first thousand, {resting[-1].memory >> 20} after "
        f"the last, {slope:+.2%} for each thousand; {resting[0].handles} handles and "
        f"{resting[0].threads} threads then, {resting[-1].handles} and {resting[-1].threads} in "
        f"the end, as many as before once it was closed; no temporary file"
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """What the process holds while it rests. `ours`: objects of our classes, by class. `files`: in
    its folder for temporary ones."""

    memory: int
    handles: int
    threads: int
    files: int
    ours: Counter[str] = field(default_factory=Counter, repr=False)

    @classmethod
    def now(cls, folder: Path) -> Holding:
        gc.collect()
        process = psutil.Process()
        return cls(
            process.memory_info().rss,
            process.num_fds(),
            threading.active_count(),
            sum(1 for _ in (folder / SCRATCH).rglob("*")),
            Counter(type(one).__name__ for one in gc.get_objects() if _is_ours(type(one))),
        )


def _is_ours(kind: type) -> bool:
    return str(kind.__module__).startswith(("bot.", "core.")) and kind.__name__ not in BOUNDED


def slope_of(resting: Sequence[Holding]) -> float:
    """Return how much more memory each measurement finds, as a share of the first one's."""
    memory = [one.memory for one in resting]
    return float(np.polyfit(range(len(memory)), memory, 1)[0] / memory[0])


@dataclass
class Measured:
    """What the bot held at rest, after each thousand links, and how many calls failed."""

    resting: list[Holding] = field(default_factory=list)
    faults: int = 0


async def live(folder: Path, seed: int, plan: Plan) -> Measured:
    """Live through the plan in a thread of its own. Raises AssertionError if the bot leaves
    handles, threads or files when it is closed, or if a link is stuck."""
    await asyncio.to_thread(gc.collect)  # the thread stays
    before = Holding.now(folder)
    measured = await asyncio.to_thread(run_skipping, _spend(folder, seed, plan))
    after = Holding.now(folder)
    assert (after.handles, after.threads, after.files) == (before.handles, before.threads, 0)
    return measured


async def _spend(folder: Path, seed: int, plan: Plan) -> Measured:
    chat, fates, measured = ForgettingChat(), RandomFates(random.Random(seed)), Measured()
    fakes = {
        "fetcher": EndlessVideos(),
        "transcriber": Speech(),
        "model": Speaker("Nora Lee found the queen."),
        "embedder": HashingEmbedder(),
        "vectors": FakeVectorIndex(),
        "keywords": FakeKeywordIndex(),
    }
    async with open_whole_bot(folder, chat, fates.wrap, **fakes) as scene:
        month = Month(scene, chat, fates, plan)
        for first in range(0, plan.links, plan.a_burst):
            await month.burst(range(first, first + plan.a_burst))
            await asyncio.sleep(plan.days * _DAY_S * plan.a_burst / plan.links)
            if (first + plan.a_burst) % plan.every == 0:
                measured.resting.append(Holding.now(folder))
    measured.faults = fates.struck
    return measured


class EndlessVideos(FakeFetcher):
    """YouTube with a video of every id. Keeps nothing."""

    async def look_up(self, video_id: str) -> Video:
        return Video(video_id, f"Hive {video_id[:7]}", "", 30.0)

    def _begin(self, method: str) -> None:
        pass


class HashingEmbedder(FakeEmbedder):
    """Embedder that keeps no directions."""

    def _direction(self, token: str) -> Any:
        self._directions.clear()
        return super()._direction(token)


class ForgettingChat(FakeChat):
    """Chat platform that can forget what it showed in a channel."""

    def forget(self, channel: str) -> None:
        self.messages = [one for one in self.messages if not one.place.startswith(channel)]
        self.threads = [one for one in self.threads if not one.place.startswith(channel)]
        self.forget_the_caller()
        self.typing.clear()
        self._limited_until.clear()


@dataclass
class RandomFates(Fates):
    """A share of all calls fails, in one of the ways that the matrix has for the call."""

    dice: random.Random
    struck: int = 0

    def __post_init__(self) -> None:
        self.is_healed = True
        self._kinds: dict[str, list[Injection]] = {}
        for injection in known().values():
            for kind in injection.errors.keys() | injection.results.keys():
                self._kinds.setdefault(kind, []).append(injection)

    def strike(self, port: str, method: str, args: Sequence[Any]) -> Armed | None:
        if self.is_healed or self.dice.random() >= FAULTS:
            return None
        kinds = self._kinds.get(port, []) + self._kinds.get(f"{port}.{method}", [])
        if not kinds:
            return None
        self.struck += 1
        return Armed(port, self.dice.choice(kinds), 0, 1)


@dataclass
class Month:
    """The bot, and the people in its channels."""

    scene: Scene
    chat: ForgettingChat
    fates: RandomFates
    plan: Plan

    async def burst(self, numbers: Sequence[int]) -> None:
        """Let links be pasted in all channels at once, wait until nothing is unfinished, and forget
        some channels."""
        self.fates.is_healed = False
        await asyncio.gather(*(self._paste(number) for number in numbers))
        until_s = asyncio.get_running_loop().time() + _DAY_S
        while left := await unfinished(self.scene):
            assert asyncio.get_running_loop().time() < until_s, f"stuck: {left}"
            await asyncio.sleep(_PATIENCE_S)
        self.fates.is_healed = True
        first = numbers[0] // self.plan.a_burst * self.plan.forgotten
        for n in range(first, first + self.plan.forgotten):
            await self._forget(self._channel(n))

    async def _paste(self, number: int) -> None:
        name, place = f"n{number:06}", self._channel(number)
        link, author = f"https://youtu.be/{name}bees", replace(ADA, id=name)
        await self.scene.write(link, self.scene.inside(place), author, id=name)

    def _channel(self, number: int) -> str:
        return f"c{number % self.plan.channels:02}"

    async def _forget(self, channel: str) -> None:
        """Forget a channel, as its people would."""
        await self.scene.core.forget(f"fake:{channel}")
        self.chat.forget(channel)
