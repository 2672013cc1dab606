"""Measure the cost of pasting a known link or file again: no child may be started for it, so
nothing is fetched, transcribed or embedded.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import median

from bot.config import read_config
from core.bootstrap import open_core
from core.errors import NoCaptions
from core.model import Transcript, Video
from core.ports import ProgressCallback
from core.sources import find_sources
from tests.bench import fresh
from tests.bench.figures import Row
from tests.harness.fake_core import finish

TIMES = 5
LINK = "https://youtu.be/aaaaaaaaaaa"


def measure(folder: Path) -> list[Row]:
    """Time the command in fresh processes, then list the children that it starts."""
    data = folder / "data"
    fresh.tubethread(data, "ingest", fresh.SHORT_LECTURE, "--channel", "bench")
    asyncio.run(_remember_a_link(data))
    rows = []
    for what, again in (("file", fresh.SHORT_LECTURE), ("link", LINK)):
        runs = [fresh.tubethread(data, "ingest", again, "--channel", "bench") for _ in range(TIMES)]
        started = fresh.module("main_process", again, data=data).json["children"]
        wall_s, cpu_s = median(run.wall_s for run in runs), median(run.cpu_s for run in runs)
        rows += [
            Row(f"the same {what} again, a new process", wall_s, "s", 1, f"CPU {cpu_s:.2f} s"),
            Row(f"the same {what} again: children started", len(started), "", 0, " ".join(started)),
        ]
    return rows


async def _remember_a_link(data: Path) -> None:
    """Store the link as if it had been transcribed, with the short lecture as its audio."""
    config = read_config(fresh.CONFIG, {"TUBETHREAD_DATA": str(data)})
    async with open_core(config) as core:
        copy = Copy()
        hearing = replace(core.transcript_maker, fetcher=copy)
        [source] = find_sources(LINK)
        there = replace(core, fetcher=copy, transcript_maker=hearing)
        await finish(there.ingest(source, "bench"))


class Copy:
    """`Fetcher` without YouTube: every link is the short lecture."""

    async def look_up(self, video_id: str) -> Video:
        return Video(video_id, "A lecture", "Lectures")

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        return Path(shutil.copy(fresh.SHORT_LECTURE, folder))

    async def captions(self, video: Video, language: str) -> Transcript:
        raise NoCaptions()
