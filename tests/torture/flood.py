"""One channel pastes 200 links within a minute, ten others three each while the machine works on
those (tests/harness/flood.py). The others wait at most one and a half times as long as on a machine
that all channels with work share equally.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.harness.flood import waits_of_others

ROUNDS = 3
LINKS, OTHERS = 200, 10
MOST = 1.5
"""Times its fair share."""


async def round(folder: Path, seed: int, links: int = LINKS, others: int = OTHERS) -> str:
    """Entry point of `make torture`. Raises AssertionError if somebody waits longer."""
    waits = await waits_of_others(folder, random.Random(seed), links, others)
    shares = sorted(waited_s / fair_s for waited_s, fair_s in waits)
    assert shares[-1] <= MOST, f"{shares[-1]:.2f} times the fair share"
    longest_s = max(waited_s for waited_s, _ in waits)
    return (
        f"{links} links of one channel, {len(waits)} of {others} others, a minute of work each: "
        f"the others waited {shares[-1]:.2f} times their fair share at most, "
        f"{sum(shares) / len(shares):.2f} on average, and {longest_s / 60:.1f} minutes at most"
    )
