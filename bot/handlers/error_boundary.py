"""The only broad `except` around what people ask for: an error ends one request and nothing else,
and can be reported to its author.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import CoreError, StoreBroken

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ErrorBoundary:
    """Holds the error that ended the block, if any."""

    error: Exception | None = None

    def raise_if_store_broken(self) -> None:
        """Leave an error of the store to who tries the whole request again."""
        if isinstance(self.error, StoreBroken):
            raise self.error


@contextmanager
def error_boundary() -> Iterator[ErrorBoundary]:
    """Keep the block's error instead of raising it. Log unexpected errors with their traceback."""
    boundary = ErrorBoundary()
    try:
        yield boundary
    except BrokenPipeError:
        raise  # the terminal that reads the output is gone
    except Exception as error:  # the one broad except: see above
        if not isinstance(error, CoreError):
            log.error("unexpected error", exc_info=True)
        log.info("request failed: %s", error)
        boundary.error = error
