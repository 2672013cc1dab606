"""This file tells how long a stage will still take, by how fast it has gone so far."""

from __future__ import annotations

import time
from dataclasses import replace

from core.model import Progress
from core.ports import Clock, ProgressCallback

EARLY = 0.05
"""Below this fraction a guess would be worth nothing."""


def with_eta(on_progress: ProgressCallback, clock: Clock = time.monotonic) -> ProgressCallback:
    """`on_progress`, told the seconds left of each stage as well."""
    began: dict[str, tuple[float, float]] = {}

    def paced(progress: Progress) -> None:
        began_s, from_ = began.setdefault(progress.stage, (clock(), progress.fraction))
        elapsed, done = clock() - began_s, progress.fraction - from_
        if progress.eta_s is None and elapsed and done and EARLY <= progress.fraction <= 1:
            left_s = elapsed * (1 - progress.fraction) / done
            progress = replace(progress, eta_s=max(0.0, round(left_s, 1)))
        on_progress(progress)

    return paced
