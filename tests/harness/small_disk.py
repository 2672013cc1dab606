"""A mounted disk of a few megabytes that a test can fill and free."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class NoDisk(Exception):
    """A disk cannot be mounted: that needs root."""


@dataclass(frozen=True)
class SmallDisk:
    """A small disk, mounted at `folder`."""

    folder: Path

    def fill(self, left_bytes: int) -> None:
        """Fill the disk, in whole blocks, until `left_bytes` are free."""
        state = os.statvfs(self.folder)
        size = state.f_bavail * state.f_frsize - left_bytes
        with (self.folder / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(size, 1))

    def free(self) -> None:
        (self.folder / "ballast").unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk and unmount it afterwards. Raises NoDisk."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tubethread-test", str(folder)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        raise NoDisk
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
