"""A busy half-hour on a virtual clock: a hundred channels, fifty videos in the queue, and five
questions a second. Nothing is lost, and everybody gets a response within a second.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.config import Config, Quotas
from core.model import Video
from tests.fakes.chat import FakeChat, Faults
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fake_core import BEES, SAID
from tests.harness.scene import ADA, ANSWER_BUTTONS, BEES_LINK, QUEEN, Scene, Speaker, open_scene
from tests.harness.virtual_loop import run_virtually

CHANNELS = 100
JOBS = 50
QUESTIONS = 5 * 30 * 60
PLENTY = 10**6


async def round(folder: Path, seed: int) -> str:
    """Run in a thread of its own: a virtual clock needs its own event loop."""
    return await asyncio.to_thread(run_virtually, spend(folder, seed, QUESTIONS))


class SlowTranscriber(FakeTranscriber):
    """Transcriber that takes half a minute for each video."""

    async def transcribe(self, *args: Any) -> Any:
        async for window in super().transcribe(*args):
            await asyncio.sleep(7.5)
            yield window


class Watched(FakeChat):
    """Chat that records when people first see a response."""

    def __init__(self) -> None:
        super().__init__(faults=Faults(random.Random(1), busy=0.001, lost=0.001, slow_s=0.15))
        self.signs: dict[str, list[float]] = {}

    async def show_typing(self, place: str) -> None:
        self._sign(place)

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        thread = await super().open_thread(place, message_id, title, key)
        self._sign(message_id)
        return thread

    async def post(self, place: str, draft: Any, key: str) -> str:
        message_id = await super().post(place, draft, key)
        self._sign(place)
        return message_id

    def _sign(self, name: str) -> None:
        self.signs.setdefault(name, []).append(asyncio.get_running_loop().time())


def first_sign(chat: Watched, name: str, since_s: float) -> float:
    return next(at_s for at_s in chat.signs[name] if at_s >= since_s) - since_s


async def ask_all(scene: Scene, dice: random.Random, questions: int) -> list[tuple[str, float]]:
    """Ask the questions and return where and when each was asked."""
    threads = [f"{thread.place}/{thread.id}" for thread in scene.chat.threads[:CHANNELS]]
    asked = []
    async with asyncio.TaskGroup() as group:
        for n in range(questions):
            place = dice.choice(threads)
            asked.append((place, asyncio.get_running_loop().time()))
            who = replace(ADA, id=str(n % 200))
            group.create_task(scene.write(f"{QUEEN} {n}", scene.inside(place), who))
            await asyncio.sleep(0.2)
    return asked


async def spend(folder: Path, seed: int, questions: int) -> str:
    """Simulate the half-hour. Raises AssertionError if a promise is broken."""
    dice, chat = random.Random(seed), Watched()
    videos = [Video(f"{n:011}", f"Talk {n}", duration_s=15.0) for n in range(JOBS)]
    quotas = Quotas(**dict.fromkeys(Quotas.model_fields, PLENTY))
    parts = {"fetcher": FakeFetcher(BEES, *videos), "transcriber": SlowTranscriber(*SAID)}
    model = Speaker("Nora Lee found her in Arden [2].", 0.4)
    config = Config(quotas=quotas)
    async with open_scene(folder, chat, config, model=model, **parts) as scene:
        scene.world.jobs.look_s = 2.0
        for n in range(CHANNELS):
            await scene.write(BEES_LINK, scene.inside(f"c{n}"), replace(ADA, id=str(n)))
        await scene.settle()
        pasted_s = asyncio.get_running_loop().time()
        for n, video in enumerate(videos):
            where, link = scene.inside(f"c{n}"), f"https://youtu.be/{video.id}"
            await scene.write(link, where, replace(ADA, id=str(n)), id=f"link{n}")
        await asyncio.sleep(5)
        assert len(await scene.core.pending()) == JOBS
        asked = await ask_all(scene, dice, questions)
        await scene.settle()
        waits = sorted(
            [first_sign(chat, f"link{n}", pasted_s) for n in range(JOBS)]
            + [first_sign(chat, place, at_s) for place, at_s in asked]
        )
        assert waits[int(len(waits) * 0.99)] <= 1.0
        answers = [one for one in chat.messages if len(one.draft.buttons) in ANSWER_BUTTONS]
        assert len(answers) == questions
        assert sum(len(one.draft.buttons) == 6 for one in chat.messages) == CHANNELS + JOBS
        return (
            f"{questions} questions, {JOBS} jobs: none lost, heard after {waits[-1]:.2f} s at most"
        )
