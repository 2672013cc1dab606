"""Log records as values, and what the work at hand is about: for a log of JSON objects, and from a
child process to its parent.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace

from core.json_values import from_json

ABOUT = ("job", "video", "channel", "child")
"""What a line may be about. Ids, of nobody: a private chat's channel is a person's id, so `channel`
is set only where the text says it too."""
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 (never changed)
_traceback = logging.Formatter().formatException
_SENT_CHARACTERS = 3000
"""Of a text and of the end of a traceback. A line that the parent reads has 64 KB."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record. `error`: its traceback, or empty."""

    level: str
    logger: str
    event: str
    error: str = ""


class LineFormatter(logging.Formatter):
    """One record as one line, which `read_line` reads in the parent process."""

    def format(self, record: logging.LogRecord) -> str:
        line = log_line(record)
        event, error = line.event[:_SENT_CHARACTERS], line.error[-_SENT_CHARACTERS:]
        return json.dumps(asdict(replace(line, event=event, error=error)))


def log_line(record: logging.LogRecord) -> LogLine:
    error = record.exc_text or ""
    if record.exc_info and not error:
        error = _traceback(record.exc_info)
    return LogLine(record.levelname, record.name, record.getMessage(), error)


def read_line(line: bytes) -> LogLine | None:
    """What a LineFormatter wrote; None for anything else, such as what a library prints."""
    try:
        return from_json(LogLine, line.decode())
    except (ValueError, RecursionError):
        return None


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Let all that is logged in the block say what it is about: some of ABOUT."""
    token = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        _about.reset(token)


def current() -> dict[str, str]:
    """What the work at hand is about."""
    return dict(_about.get())


def about_record(record: logging.LogRecord) -> dict[str, str]:
    """What a record is about: what it says itself (`extra`), else what its block is about. Call it
    while the record is logged."""
    own = {name: getattr(record, name) for name in ABOUT if hasattr(record, name)}
    return current() | own
