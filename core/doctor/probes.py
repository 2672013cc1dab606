"""This file asks others on this machine: programs, and our own child processes."""

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

_PROGRAM_ANSWERS_S = 5
_CHILD_ANSWERS_S = 12
"""Importing a child's libraries takes a second or two, on a busy machine more."""


async def ask_program(*command: str) -> str | None:
    """What it prints; None where it is missing, fails or does not come to an end."""
    return await asyncio.to_thread(_run, command)


def _run(command: tuple[str, ...]) -> str | None:
    try:
        told = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROGRAM_ANSWERS_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout


@asynccontextmanager
async def child(role: ChildLimits, config: Core) -> AsyncIterator[ChildSupervisor]:
    """A child of our own, beside those of a program that may be running."""
    impatient = replace(role, reply_timeout_s=_CHILD_ANSWERS_S)
    async with make_supervisor(impatient, config, _log_file(config.data_dir)) as worker:
        yield worker


def _log_file(folder: Path) -> Path:
    """Without a folder to write to, a child's last words are lost; its answer is not."""
    is_writable = folder.is_dir() and os.access(folder, os.W_OK)
    return folder / LOG_FILE if is_writable else Path(os.devnull)
