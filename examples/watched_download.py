"""Run a program that downloads into a folder, and watch the folder grow.

Neither pip (before 24.1) nor huggingface_hub tells another program how much it has received.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

OnBytes = Callable[[int], None]
"""Told how many bytes have been received. Must not block."""

STALL_S = 60.0
_POLL_S = 0.2


class DownloadFailed(Exception):
    """The program failed, or nothing was received for a minute."""


def run_watched(
    command: Sequence[str],
    folder: Path,
    on_bytes: OnBytes,
    environment: Mapping[str, str],
    stall_s: float = STALL_S,
) -> str:
    """Run the command and return what it prints. Raises DownloadFailed."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        return _watch(process, folder, on_bytes, stall_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _watch(process: subprocess.Popen[str], folder: Path, on_bytes: OnBytes, stall_s: float) -> str:
    before = received = folder_bytes(folder)
    grew_at = time.monotonic()
    while True:
        try:
            printed, errors = process.communicate(timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            size = folder_bytes(folder)
            if size > received:
                received, grew_at = size, time.monotonic()
                on_bytes(received - before)
            if time.monotonic() - grew_at > stall_s:
                raise DownloadFailed(f"nothing was received for {stall_s:.0f} seconds") from None
            continue
        if process.returncode:
            raise DownloadFailed(errors.strip()[-500:])
        return printed


def folder_bytes(folder: Path) -> int:
    """The size of all files in the folder. Files and folders may come and go meanwhile."""
    total = 0
    for inside, _, names in os.walk(folder):  # passes over folders that have gone; rglob raises
        for name in names:
            with contextlib.suppress(OSError):
                path = Path(inside, name)
                total += 0 if path.is_symlink() else path.stat().st_size
    return total
