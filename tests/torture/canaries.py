"""A hundred thousand random actions in fifty channels on two platforms, a canary in each
(tests/harness/canaries.py). Every two thousand begin a new world, so that each can be repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.canaries import CHANNELS, open_harbours
from tests.harness.harbour_people import People
from tests.harness.virtual_loop import run_virtually

ACTIONS, ACTIONS_OF_A_WORLD = 100_000, 2000
ROUNDS = 1


@dataclass
class _Sum:
    actions: int = 0
    refused: int = 0
    read: int = 0
    prompts: int = 0
    lines: int = 0
    counts: Counter[str] = field(default_factory=Counter)


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`."""
    logging.disable(logging.NOTSET)  # what is logged is looked at, and goes nowhere
    try:
        return await asyncio.to_thread(_live, folder, seed)
    finally:
        logging.disable()


def _live(folder: Path, seed: int) -> str:
    total = _Sum()
    for n in range(ACTIONS // ACTIONS_OF_A_WORLD):
        scratch = folder / str(n)
        scratch.mkdir()
        try:
            run_virtually(_world(scratch, seed * 1000 + n, total))
        except AssertionError as error:
            error.add_note(f"in the world of seed {seed * 1000 + n}")
            raise
    kinds = ", ".join(f"{name.strip('_')} {count}" for name, count in total.counts.most_common())
    return (
        f"{total.actions} actions in {CHANNELS} channels on 2 platforms ({kinds}): "
        f"{total.read} messages, {total.prompts} prompts and {total.lines} lines of the log held 0 "
        f"foreign canaries; {total.refused} forged, foreign, old, repeated or forbidden actions "
        "did nothing"
    )


async def _world(folder: Path, seed: int, total: _Sum) -> None:
    async with open_harbours(folder, seed) as world:
        people = People(world)
        for channel in world.channels:
            await people.arrive(channel)
        for _ in range(ACTIONS_OF_A_WORLD):
            await people.act()
        total.actions += world.done
        total.refused += world.refused
        total.read += world.read
        total.prompts += world.prompts_read
        total.lines += world.log.lines
        total.counts.update(people.counts)
