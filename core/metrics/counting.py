"""Count while the program runs, where the settings want metrics."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.config import Metrics

if TYPE_CHECKING:
    from core.metrics.instruments import Instruments


@contextmanager
def counting(config: Metrics) -> Iterator[Instruments | None]:
    """The instruments, which count the log too; None where no metrics are wanted."""
    if not config.port:
        yield None
        return
    # Imported here: without metrics nothing of prometheus_client is loaded.
    from core.metrics.instruments import Instruments
    from core.metrics.log_counter import LogCounter

    instruments = Instruments()
    counter, root = LogCounter(instruments), logging.getLogger()
    root.addHandler(counter)
    try:
        yield instruments
    finally:
        root.removeHandler(counter)
