"""Measure what Tubethread adds to transcribing and embedding a ten-minute file.

Two ratios, each the median over pairs that run right after one another:

- loaded: `ingest` in an open core whose children have transcribed and embedded a short file, over
  faster-whisper's and sentence-transformers' own seconds after the same short file. Neither side
  includes imports and loading.
- from nothing: the command `tubethread ingest FILE`, over a process that transcribes plus a process
  that embeds, all from start to end. Both sides include imports and loading.

Both sides always include decoding and voice detection; only ours summarises, stores and indexes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.config import read_config
from core.backends.storage.addresses import database_url
from core.backends.storage.store import open_store
from core.bootstrap import open_core
from core.sources import find_sources
from tests.bench import fresh
from tests.bench.figures import Row
from tests.harness.fake_core import finish

PAIRS = 3
GOAL = 1.25


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of wall time, or of CPU time: Tubethread's, and those of the libraries alone."""

    ours: float
    alone: float


def measure(folder: Path) -> list[Row]:
    short, long = folder / "short.json", folder / "long.json"
    data = folder / "first"
    short.write_text(json.dumps(asyncio.run(_texts(fresh.SHORT_LECTURE, data))))
    long.write_text(json.dumps(asyncio.run(_texts(fresh.LECTURE, data))))
    loaded, nothing = [], []
    for n in range(PAIRS):
        loaded.append(_loaded(folder / f"loaded-{n}", short, long))
        nothing.append(_from_nothing(folder / f"nothing-{n}", long))
    walls, cpus = zip(*nothing, strict=True)
    return [
        _row("10-minute file to ready / libraries alone, loaded", loaded, GOAL),
        _row("10-minute file to ready / libraries alone, from nothing", walls, GOAL),
        _row("… the same in the CPU's seconds", cpus),
    ]


async def _texts(file: Path, data: Path) -> list[str]:
    """Return the file's texts to embed. Also warms the disk cache for all later reads."""
    config = read_config(fresh.CONFIG, {"TUBETHREAD_DATA": str(data)})
    async with open_core(config) as core:
        [source] = find_sources(str(file))
        ready = await finish(core.ingest(source, "bench"))
    async with open_store(database_url(config)) as store:
        chunks, _ = await store.chunks.load([ready.video.id])
        return [chunk.indexed for chunk in chunks]


def _loaded(data: Path, short: Path, long: Path) -> Pair:
    files = fresh.SHORT_LECTURE, fresh.LECTURE
    _, ours = fresh.module("main_process", *files, data=data).json["ready_s"]
    _, heard = fresh.module("hear_alone", *files).json
    _, embedded = fresh.module("embed_alone", short, long).json
    return Pair(ours, heard + embedded)


def _from_nothing(data: Path, long: Path) -> tuple[Pair, Pair]:
    ours = fresh.tubethread(data, "ingest", fresh.LECTURE)
    hear = fresh.module("hear_alone", fresh.LECTURE)
    embed = fresh.module("embed_alone", long)
    wall = Pair(ours.wall_s, hear.wall_s + embed.wall_s)
    return wall, Pair(ours.cpu_s, hear.cpu_s + embed.cpu_s)


def _row(what: str, pairs: Sequence[Pair], goal: float | None = None) -> Row:
    """Return the median ratio, with the pair that it comes from."""
    middle = sorted(pairs, key=lambda pair: pair.ours / pair.alone)[len(pairs) // 2]
    about = f"{middle.ours:.1f} s / {middle.alone:.1f} s"
    return Row(what, middle.ours / middle.alone, "×", goal, about)
