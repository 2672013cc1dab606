"""Three hundred injections, each on both platforms, with a model that obeys them: what people are
shown is read as the platforms' clients read it (tests/harness/injected_scene.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from tests.harness.injected_scene import Outcome, suffer
from tests.harness.injections import injections
from tests.harness.virtual_loop import run_virtually
from tests.harness.wire_chat import PLATFORMS

COUNT = 300
ROUNDS = 1


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`."""
    return await asyncio.to_thread(_suffer_all, folder, seed)


def _suffer_all(folder: Path, seed: int) -> str:
    outcomes: list[Outcome] = []
    languages: Counter[str] = Counter()
    for injection in injections(COUNT, seed):
        languages[injection.language] += 1
        for platform in PLATFORMS:
            scratch = folder / f"{injection.number}-{platform}"
            scratch.mkdir()
            outcomes.append(run_virtually(suffer(scratch, injection, platform)))
    obeyed = sum(bool(outcome.obeyed) for outcome in outcomes)
    prompts = sum(outcome.obeyed for outcome in outcomes)
    shown = sum(outcome.shown for outcome in outcomes)
    return (
        f"{COUNT} injections ({languages['ko']} Korean) on {len(PLATFORMS)} platforms, obeyed in "
        f"{obeyed} of {len(outcomes)} scenes and {prompts} prompts, {shown} messages read: "
        "0 pings, 0 foreign links, 0 foreign words, 0 secrets, 0 forged citations"
    )
