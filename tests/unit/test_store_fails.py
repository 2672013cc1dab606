"""No request is silent: the store fails at any of its calls, for a while or for good."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.words import Words
from core.chat_records import OutboxEntry, Request
from core.errors import StoreBroken
from tests.harness.scene import (
    ANSWER_BUTTONS,
    BEES_LINK,
    QUEEN,
    Scene,
    Speaker,
    open_scene,
)
from tests.harness.virtual_loop import virtually

EN = Words("en")
PORTS = (
    "requests",
    "bindings",
    "buttons",
    "settings",
    "usage",
    "outbox_entries",
    "library",
    "threads",
    "videos",
    "chunks",
    "checkpoints",
)

EVERY = ("every", "call")
ERRORS = (
    EN("errors.store_broken.message"),
    EN("errors.unknown_video.message", video_id="aaaaaaaaaaa"),
    EN("chat.messages.nothing_to_ask"),
)
CALLS_OF_EACH = 3
"""How many calls of each method fail in turn."""


@dataclass
class Fault:
    """One call of the store fails `times` times, after the first `after` calls of its kind.

    `takes_effect`: as if the connection broke after the commit."""

    where: tuple[str, str] = ("", "")
    after: int = 0
    times: float = 0
    takes_effect: bool = False
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: int = 0
    is_on: bool = False

    def strikes(self, port: str, call: str) -> bool:
        if not self.is_on:
            return False
        self.calls[port, call] += 1
        is_meant = self.where in ((port, call), EVERY) and self.calls[port, call] > self.after
        if not is_meant or self.failed >= self.times:
            return False
        self.failed += 1
        return True


class Faulty:
    """A port of the store with a `Fault`."""

    def __init__(self, port: Any, name: str, fault: Fault) -> None:
        self._port, self._name, self._fault = port, name, fault

    def __getattr__(self, call: str) -> Any:
        async def run(*args: Any, **more: Any) -> Any:
            if not self._fault.strikes(self._name, call):
                return await getattr(self._port, call)(*args, **more)
            if self._fault.takes_effect:  # as a connection that breaks after the commit
                await getattr(self._port, call)(*args, **more)
            raise StoreBroken("SQLITE_BUSY")

        return run


class Day:
    """Somebody pastes a link, asks about the video, and asks about all videos of the channel."""

    def __init__(self, scene: Scene, fault: Fault) -> None:
        self.scene, self.fault = scene, fault
        self.replies = (0, 0, 0)
        """Summaries, answers and texts that tell of an error, while the store fails."""
        self.undone: list[Request | OutboxEntry] = []
        """Requests and messages that are not finished once the store is well again."""

    async def live(self) -> None:
        scene = self.scene
        await scene.end()
        for name in PORTS:
            setattr(scene.store, name, Faulty(getattr(scene.store, name), name, self.fault))
        scene.core = scene.world.pipeline()
        await scene.begin()
        self.fault.is_on = True
        await scene.write(BEES_LINK)
        await asyncio.sleep(600)
        place = f"a/{scene.chat.threads[0].id}" if scene.chat.threads else "a"
        await scene.write(QUEEN, scene.inside(place), is_to_bot=place == "a")
        await scene.write("And who visits flowers?", is_to_bot=True)
        await asyncio.sleep(600)

    @property
    def summaries(self) -> int:
        return sum(len(shown.draft.buttons) == 6 for shown in self.scene.chat.messages)

    @property
    def answers(self) -> int:
        messages = self.scene.chat.messages
        return sum(len(shown.draft.buttons) in ANSWER_BUTTONS for shown in messages)

    @property
    def told(self) -> int:
        """Texts that tell of an error: of the store, or of a channel without the video."""
        shown = [shown.draft.text for shown in self.scene.chat.messages]
        return sum(any(text in one for text in ERRORS) for one in shown)


async def live(scratch: Path, fault: Fault) -> Day:
    async with open_scene(scratch, model=Speaker("Nora Lee found the queen.")) as scene:
        day = Day(scene, fault)
        await day.live()
        day.replies = day.summaries, day.answers, day.told
        fault.is_on = False
        await asyncio.sleep(600)
        day.undone += await scene.store.requests.open(scene.chat.name)
        day.undone += await scene.store.outbox_entries.unfinished(scene.chat.name)
        return day


async def calls(scratch: Path) -> list[tuple[str, str, int]]:
    """Every store call of a day: port, method, and how many calls were before it."""
    fault = Fault()
    day = await live(scratch, fault)
    assert day.replies == (1, 2, 0)
    found = sorted(fault.calls.items())
    return [(*name, n) for name, count in found for n in range(min(count, CALLS_OF_EACH))]


@pytest.mark.parametrize(("times", "takes_effect"), [(3, False), (1, True)])
@virtually
async def test_a_call_that_fails_for_a_while_delays_a_reply_and_loses_none(
    times, takes_effect, tmp_path
):
    silent = []
    for port, call, after in await calls(tmp_path):
        day = await live(tmp_path, Fault((port, call), after, times, takes_effect))
        if day.replies != (1, 2, 0) or day.undone:
            silent.append((port, call, after, *day.replies, len(day.undone)))
    assert not silent, "\n".join(map(str, silent))


LATER = {
    ("outbox_entries", "save"): "a thread whose place is not stored is waited for",
    ("bindings", "bind"): "the thread is about no video, so what is said in it is no question",
}
"""Where a request of such a day gets its reply later, or is none."""


@virtually
async def test_each_request_gets_a_reply_while_a_call_fails_for_good(tmp_path):
    silent = []
    for port, call in {name[:2]: None for name in await calls(tmp_path)}:
        day = await live(tmp_path, Fault((port, call), times=math.inf))
        if (sum(day.replies) < 3 and (port, call) not in LATER) or day.undone:
            silent.append((port, call, *day.replies, len(day.undone)))
    assert not silent, "\n".join(map(str, silent))


@virtually
async def test_each_request_gets_a_reply_while_the_whole_store_fails(tmp_path):
    day = await live(tmp_path, Fault(EVERY, times=math.inf))
    assert day.replies == (0, 0, 3)
    assert day.undone == []


@virtually
async def test_a_message_delivered_twice_while_the_store_fails_gets_one_reply(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        fault = Fault(("requests", "add"), times=2, is_on=True)
        scene.store.requests = Faulty(scene.store.requests, "requests", fault)
        await scene.restart()
        said = len(scene.chat.messages)
        await asyncio.gather(*(scene.write(QUEEN, is_to_bot=True, id="twice") for _ in range(2)))
        await asyncio.sleep(60)
        await scene.settle()
        assert fault.failed == 2
        assert len(scene.chat.messages) == said + 1


@virtually
async def test_a_channel_deleted_while_the_store_fails_is_forgotten_later(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        fault = Fault(("bindings", "close"), times=20, is_on=True)
        scene.store.bindings = Faulty(scene.store.bindings, "bindings", fault)
        await scene.restart()
        await scene.handlers.place_gone("a")
        await asyncio.sleep(3600)
        assert await scene.store.library.videos("fake:a") == []
