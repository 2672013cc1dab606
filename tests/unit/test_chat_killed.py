"""Kill the handlers at any moment, on a virtual clock. A seed makes each day; a failure names its
seed: run `live(Day(SEED, tmp_path))` to repeat it.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Message, Press
from bot.config import Config
from core.model import Segment
from tests.fakes.chat import FakeChat, Faults, Shown
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fake_core import SAID, FakeCore
from tests.harness.scene import ADA, ANSWER_BUTTONS, BOB, Scene, Speaker
from tests.harness.virtual_loop import run_virtually

VIDEO_IDS = ("aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc")
PORTS = (
    "requests",
    "bindings",
    "buttons",
    "settings",
    "usage",
    "outbox_entries",
    "threads",
    "library",
)


class Paused:
    """A port of the store that takes its time before and after each call."""

    def __init__(self, port: Any, dice: random.Random) -> None:
        self._port, self._dice = port, dice

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any) -> Any:
            await asyncio.sleep(self._dice.uniform(0, 0.05))
            result = await getattr(self._port, name)(*args)
            await asyncio.sleep(self._dice.uniform(0, 0.05))
            return result

        return call


class SlowTranscriber(FakeTranscriber):
    async def transcribe(self, *args: Any) -> Any:
        async for window in super().transcribe(*args):
            await asyncio.sleep(2)
            yield window


NUMBERS = Segment(20.0, 29.0, f"They count: {' '.join(map(str, range(100)))}.")


class Echo(Speaker):
    """Answers `Q7` with `A7`. An answer shows only numbers that the video has: NUMBERS."""

    async def stream(self, prompt, *, max_tokens):
        asked = re.findall(r"Q(\d+)\b", prompt[-1].text) or ["none"]
        speaker = replace(self, says=f"A{asked[-1]}. " + "Nora Lee found the queen. " * 6)
        async for piece in Speaker.stream(speaker, prompt, max_tokens=max_tokens):
            yield piece


@dataclass
class Deed:
    """What a person does: heard again and again, until once nothing was killed meanwhile."""

    event: Message | Press
    is_heard: bool = False


class Day:
    """All that happens, drawn from one seed."""

    def __init__(self, seed: int, scratch: Path) -> None:
        self.seed, self.dice = seed, random.Random(seed)
        share = self.dice.choice((0.0, 0.0, 0.1))
        faults = Faults(self.dice, busy=share, lost=share, limited=share, slow_s=0.2)
        world = FakeCore(scratch, model=Echo("", 0.3), transcriber=SlowTranscriber(*SAID, NUMBERS))
        for name in PORTS:
            setattr(world.store, name, Paused(getattr(world.store, name), self.dice))
        self.scene = Scene(world, FakeChat(faults=faults), Config())
        self.lives_s = [self.dice.uniform(0, 20) for _ in range(self.dice.choice((0, 1, 2, 4)))]
        self.deeds: list[Deed] = []
        self.links: dict[str, str] = {}
        self.typed: dict[int, str] = {}
        self.pressed: list[tuple[str, str]] = []
        self.kills = 0

    @property
    def threads(self) -> list[str]:
        """Those in which something was said."""
        return sorted({m.place for m in self.scene.chat.messages if "/" in m.place})


async def live(day: Day) -> None:
    for life_s in day.lives_s:
        await live_for(day, life_s)
    await live_for(day, None)
    check(day)
    await day.scene.end()


async def live_for(day: Day, life_s: float | None) -> None:
    life = asyncio.create_task(go_on(day))
    done, _ = await asyncio.wait([life], timeout=life_s)
    if life in done:
        await life
        return
    day.kills += 1
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    killed = day.scene.world.jobs
    day.scene.core = day.scene.world.pipeline()
    if day.dice.random() < 0.7:  # else the jobs are lost as well, as where a store was put back
        day.scene.world.jobs.take_over(killed)
    await asyncio.sleep(day.dice.uniform(0, 5))


async def go_on(day: Day) -> None:
    """One process, and people around it."""
    day.scene.world.jobs.look_s = 0.5
    await day.scene.begin()
    async with asyncio.timeout(4 * 3600), asyncio.TaskGroup() as group:
        for deed in day.deeds:
            group.create_task(do(day, deed))
        while len(day.links) < 3:
            group.create_task(do(day, paste(day)))
            await asyncio.sleep(day.dice.uniform(0, 2))
        while len(day.typed) + len(day.pressed) < 6:
            await asyncio.sleep(day.dice.uniform(0, 4))
            if deed := ask(day):
                group.create_task(do(day, deed))
    await day.scene.settle()


async def do(day: Day, deed: Deed) -> None:
    times = 1 + (day.dice.random() < 0.2)
    if deed.is_heard and times == 1:
        return
    hear = getattr(day.scene.handlers, "message" if isinstance(deed.event, Message) else "press")
    await asyncio.gather(*(hear(deed.event) for _ in range(times)))
    deed.is_heard = True


def paste(day: Day) -> Deed:
    n = len(day.links)
    place = "ab"[n % 2]
    event_id = f"link{n}"
    day.links[event_id] = place
    where = day.scene.inside(place)
    link = f"https://youtu.be/{day.dice.choice(VIDEO_IDS)}"
    return remembered(day, Message(where, event_id, ADA, link))


def ask(day: Day) -> Deed | None:
    """By a message or by a button, in some thread."""
    summaries = [one for one in day.scene.chat.messages if len(one.draft.buttons) == 6]
    n = len(day.typed) + len(day.pressed)
    if summaries and day.dice.random() < 0.5:
        summary = day.dice.choice(summaries)
        button = summary.draft.buttons[day.dice.randrange(3)]
        where = day.scene.inside(summary.place)
        day.pressed.append((summary.place, button.label))
        return remembered(day, Press(where, f"press{n}", summary.id, BOB, button.id))
    if not day.threads:
        return None
    place = day.dice.choice(day.threads)
    day.typed[n] = place
    return remembered(day, Message(day.scene.inside(place), f"ask{n}", ADA, f"And Q{n}?"))


def remembered(day: Day, event: Message | Press) -> Deed:
    deed = Deed(event)
    day.deeds.append(deed)
    return deed


def check(day: Day) -> None:
    chat, why = day.scene.chat, f"seed {day.seed}"
    assert chat.offences == [], why
    shown = [*chat.messages, *chat.threads]
    assert len({(one.place, one.key) for one in shown}) == len(shown), f"{why}: twice"
    assert len(chat.threads) == len(day.links), why
    for thread in chat.threads:
        assert thread.draft.text == "How bees dance", why
        check_thread(day, f"{thread.place}/{thread.id}", why)


def check_thread(day: Day, place: str, why: str) -> None:
    inside = [one for one in day.scene.chat.messages if one.place == place]
    assert sum(len(one.draft.buttons) == 6 for one in inside) == 1, why
    progress = [one for one in inside if any("▰" in d.text or "▱" in d.text for d in one.drafts)]
    assert [one.draft.text for one in progress] in ([], ["Done. The summary is below."]), why
    for n, where in day.typed.items():
        found = [one for one in inside if one.draft.text.startswith(f"A{n}. ")]
        assert len(found) == (where == place), f"{why}: Q{n} {texts(inside)}"
        assert all(len(one.draft.buttons) in ANSWER_BUTTONS for one in found), why
    pressed = Counter(label for where, label in day.pressed if where == place)
    asks = (one.draft.text for one in inside if one.draft.text.startswith("Bob asked: "))
    assert Counter(text.removeprefix("Bob asked: ") for text in asks) == pressed, why
    asked = pressed + Counter(f"And Q{n}?" for n, where in day.typed.items() if where == place)
    ends = sum(len(one.draft.buttons) in ANSWER_BUTTONS for one in inside)
    assert ends == asked.total(), f"{why} {texts(inside)}"
    turns = Counter(turn.question for turn in turns_of(day, place))
    assert turns.keys() == asked.keys(), why
    assert turns <= asked, f"{why}: {turns}"  # one that is asked twice may be answered as before


def turns_of(day: Day, place: str) -> list[Any]:
    threads = day.scene.store.threads._port
    kept = threads._shelf.turns
    return [turn for channel, thread, turn, *_ in kept if thread == place]


def texts(inside: list[Shown]) -> list[str]:
    return [one.draft.text[:40] for one in inside]


@pytest.mark.parametrize("first", [0, 20])
def test_after_any_kill_each_request_ends_once_and_no_message_is_doubled(first, tmp_path):
    kills = 0
    for seed in range(first, first + 20):
        day = Day(seed, tmp_path)
        run_virtually(live(day))
        kills += day.kills
    assert kills > 20, "such days would prove nothing"
