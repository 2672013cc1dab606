"""Measure how soon a child's failure is reported after its limit, and a new child answers."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from core.errors import WorkerFailed, WorkerTimeout
from core.workers.limits import FETCH, INDEX, SPEECH, ChildLimits
from core.workers.supervisor import ChildSupervisor
from tests.bench.figures import Row

SILENCE_S = 2
MEGABYTE = 1 << 20
MODULE = "tests.harness.misbehaving_child"
TROUBLE = {"hang": SILENCE_S, "stop": SILENCE_S, "crash": 0, "bloat": 0}
"""Methods of tests/harness/misbehaving_child.py → the limit that reveals them; 0: none."""
TOLD_S, REPLACED_S = 15.0, 30.0


def measure(folder: Path) -> list[Row]:
    logging.getLogger("core.workers.supervisor").disabled = True  # the failures are intended
    times = [
        asyncio.run(_trouble(folder, role, method))
        for role in (FETCH, SPEECH, INDEX)
        for method in TROUBLE
    ]
    told, replaced = (max(one) for one in zip(*times, strict=True))
    of = f"{', '.join(TROUBLE)}; each of three children"
    return [
        Row("a child in trouble is told after its limit, at most", told, "s", TOLD_S, of),
        Row("… and another one answers", replaced, "s", REPLACED_S),
    ]


async def _trouble(folder: Path, role: ChildLimits, method: str) -> tuple[float, float]:
    """Return the seconds past the limit to the failure's report, and to a new child's answer."""
    share = 400 * MEGABYTE / psutil.virtual_memory().total
    hasty = replace(
        role, reply_timeout_s=SILENCE_S, heartbeat_timeout_s=SILENCE_S, memory_share=share
    )
    setup = {"max_file_bytes": MEGABYTE}
    async with ChildSupervisor(hasty, setup, module=MODULE) as worker:
        await worker.call("pid")
        args = {"size": 500 * MEGABYTE} if method == "bloat" else {}
        began_s = time.monotonic()
        with suppress(WorkerFailed, WorkerTimeout):
            await worker.call(method, **args)
        told_s = time.monotonic() - began_s - TROUBLE[method]
        await worker.call("pid")
        return told_s, time.monotonic() - began_s - TROUBLE[method]
