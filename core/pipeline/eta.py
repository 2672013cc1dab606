"""Estimate the seconds left of a stage from its pace so far."""

from __future__ import annotations

import time
from dataclasses import replace

from core.model import Progress
from core.ports import Clock, ProgressCallback

EARLY = 0.05
"""Below this fraction an estimate is too unreliable to show."""


def with_eta(on_progress: ProgressCallback, clock: Clock = time.monotonic) -> ProgressCallback:
    """Wrap `on_progress`: add each stage's estimated seconds left."""
    starts: dict[str, tuple[float, float]] = {}

    def estimate(progress: Progress) -> None:
        began_s, from_ = starts.setdefault(progress.stage, (clock(), progress.fraction))
        elapsed, done = clock() - began_s, progress.fraction - from_
        if progress.eta_s is None and elapsed and done and EARLY <= progress.fraction <= 1:
            left_s = elapsed * (1 - progress.fraction) / done
            progress = replace(progress, eta_s=max(0.0, round(left_s, 1)))
        on_progress(progress)

    return estimate
