"""This file holds the only broad `except` around what people ask for: whatever goes wrong in a
request ends that request and nothing else, and can be told to whoever made it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import CoreError

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Caught:
    """What went wrong, if anything did."""

    error: Exception | None = None


@contextmanager
def catching() -> Iterator[Caught]:
    """Errors inside are kept, not raised. What nobody foresaw goes to the log, whole."""
    caught = Caught()
    try:
        yield caught
    except BrokenPipeError:
        raise  # nobody reads us any more
    except Exception as error:  # the one broad except: see above
        if not isinstance(error, CoreError):
            log.error("unforeseen", exc_info=True)
        log.info("told: %s", error)
        caught.error = error
