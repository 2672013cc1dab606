"""The program's main process under observation: it opens the core, ingests what is named, and
prints the results as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import psutil

import bot.cli.app  # noqa: F401  # part of the main process, as the core is
from bot.config import read_config
from core.bootstrap import open_core
from core.sources import find_sources
from tests.bench.fresh import CONFIG

FORBIDDEN = ("torch", "faster_whisper", "chromadb", "yt_dlp")
MEGABYTE = 1024 * 1024


async def observe(texts: list[str]) -> dict[str, object]:
    """Return the seconds until each of `texts` was ready, and, at the end, resident megabytes,
    forbidden imported modules and the children's roles."""
    async with open_core(read_config(CONFIG)) as core:
        seconds = []
        for text in texts:
            began = time.perf_counter()
            for source in find_sources(text):
                async for _ in core.ingest(source, "bench"):
                    pass
            seconds.append(time.perf_counter() - began)
        me = psutil.Process()
        return {
            "ready_s": seconds,
            "resident_mb": me.memory_info().rss / MEGABYTE,
            "forbidden": [name for name in FORBIDDEN if name in sys.modules],
            "children": sorted(child.cmdline()[-1] for child in me.children()),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(observe(sys.argv[1:]))))
