"""Kill the bot again and again in simulated days on a chat platform, in virtual time.

The days are those of tests/unit/test_chat_killed.py and test_outbox_simulation.py, with other
seeds.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness.virtual_loop import run_virtually
from tests.unit import test_chat_killed as requests
from tests.unit import test_outbox_simulation as outbox

DAYS = 50
"""Days of each kind in a round."""
FIRST_SEED = 10_000
"""The unit tests use the seeds below it."""


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`."""
    return await asyncio.to_thread(_spend, folder, FIRST_SEED + seed * DAYS)


def _spend(folder: Path, first: int) -> str:
    kills = crashes = 0
    for seed in range(first, first + DAYS):
        day = requests.Day(seed, folder)
        run_virtually(requests.live(day))
        kills += day.kills
        for deduplicates in (True, False):
            simulated = outbox.Day(seed, deduplicates=deduplicates)
            run_virtually(outbox.simulate(simulated))
            crashes += simulated.crashes
    return (
        f"{DAYS} days of requests with {kills} kills, {2 * DAYS} days of an outbox with {crashes} "
        f"crashes: nothing lost, nothing shown twice that a key prevents"
    )
