"""Ten thousand generated messages and links through the real handlers, with yt-dlp behind a proxy
that records every host and connects to none (tests/harness/link_storm.py)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from itertools import islice
from pathlib import Path

from tests.harness.link_forms import samples
from tests.harness.link_storm import Storm, endure
from tests.harness.recording_proxy import recording_proxy
from tests.harness.virtual_loop import run_virtually

MESSAGES, MESSAGES_OF_A_WORLD = 10_000, 500
ROUNDS = 1


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`."""
    logging.disable(logging.WARNING)  # an error is a crash
    try:
        return await asyncio.to_thread(_endure, folder, seed)
    finally:
        logging.disable()


def _endure(folder: Path, seed: int) -> str:
    wanted, storms = samples(MESSAGES, seed), list[Storm]()
    with recording_proxy() as proxy:
        for n in range(MESSAGES // MESSAGES_OF_A_WORLD):
            (folder / str(n)).mkdir()
            part = islice(wanted, MESSAGES_OF_A_WORLD)
            storms.append(run_virtually(endure(folder / str(n), part, proxy)))
        through_proxy = len(proxy.hosts)
    kinds: Counter[str] = sum((storm.kinds for storm in storms), Counter())
    hosts = sorted(set().union(*(storm.hosts for storm in storms)))
    return (
        f"{sum(storm.messages for storm in storms)} messages "
        f"({', '.join(f'{kind} {n}' for kind, n in kinds.most_common())}), "
        f"{sum(storm.looked_up for storm in storms)} videos looked up, {through_proxy} requests "
        f"through the proxy, all to {', '.join(hosts)}: 0 crashes, 0 other hosts, every link found"
    )
