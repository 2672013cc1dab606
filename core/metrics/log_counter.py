"""Count the log: whatever fails anywhere is logged there, with its error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core.errors import CoreError

if TYPE_CHECKING:
    from core.metrics.instruments import Instruments

_ROOTS = ("bot", "core")
_LEVELS = ("debug", "info", "warning", "error", "critical")


class LogCounter(logging.Handler):
    """Counts lines by level, and errors by where they were logged and their code.

    An error that passes several places is counted at each that logs it."""

    def __init__(self, instruments: Instruments) -> None:
        super().__init__()
        self._instruments = instruments

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        self._instruments.log_lines.labels(level if level in _LEVELS else "other").inc()
        if code := _code(record):
            self._instruments.errors.labels(_room(record.name), code).inc()


def _code(record: logging.LogRecord) -> str:
    """The code of the error that the record is about; "unexpected" for one that is not ours."""
    args = record.args if isinstance(record.args, tuple) else ()
    raised = record.exc_info[1] if record.exc_info else None
    for value in (*args, raised):
        if isinstance(value, CoreError):
            return value.code
    return "unexpected" if raised else ""


def _room(logger: str) -> str:
    """
    >>> _room("core.jobs.workflows"), _room("discord.client")
    ('core.jobs', 'libraries')
    """
    root, _, rest = logger.partition(".")
    return f"{root}.{rest.partition('.')[0]}" if root in _ROOTS else "libraries"
