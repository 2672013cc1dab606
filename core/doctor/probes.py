"""Run other programs, and our own child processes, for the checks."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from core.config import LOG_FILE, Core
from core.workers.child_settings import make_supervisor
from core.workers.limits import ChildLimits
from core.workers.supervisor import ChildSupervisor

_PROGRAM_TIMEOUT_S = 5
_CHILD_TIMEOUT_S = 12
"""Importing a child's libraries takes one or two seconds, more on a busy machine."""


async def run_program(*command: str) -> str | None:
    """What the program prints; None if it is missing, fails or does not end in time."""
    return await asyncio.to_thread(_run, command)


def _run(command: tuple[str, ...]) -> str | None:
    try:
        completed = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROGRAM_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return completed.stdout


@asynccontextmanager
async def open_child(role: ChildLimits, config: Core) -> AsyncIterator[ChildSupervisor]:
    """Open a child of our own; a running program's children stay untouched."""
    limits = replace(role, reply_timeout_s=_CHILD_TIMEOUT_S)
    async with make_supervisor(limits, config, _log_file(config.data_dir)) as worker:
        yield worker


def _log_file(folder: Path) -> Path:
    """The log file, or the null device if the folder is not writable."""
    is_writable = folder.is_dir() and os.access(folder, os.W_OK)
    return folder / LOG_FILE if is_writable else Path(os.devnull)
