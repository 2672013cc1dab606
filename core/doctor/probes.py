"""Run other programs, and our own child processes, for the checks."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from core.config import Core
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
    async with make_supervisor(limits, config) as worker:
        yield worker
