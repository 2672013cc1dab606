"""Keep this process's memory, environment and files from other users and from its children.

A child reads strangers' files with large libraries: taken over, it must not find a token.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

_PRIVATE = 0o700
_UMASK = 0o077
_SET_DUMPABLE = 4
"""prctl(2): a process that is not dumpable has /proc files that only root may read, and no process
of the same user may trace it. A child is dumpable again once its program starts."""


def protect_process() -> None:
    """Hide the process's memory and environment from other processes of its user, and create files
    that only this user can read. Does what the system can do."""
    os.umask(_UMASK)
    with suppress(OSError, AttributeError):  # only Linux has prctl
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def erase_from_environment(secrets: Container[str]) -> None:
    """Remove the variables that hold one of `secrets`.

    Their values are overwritten too: removing a variable leaves its text in the memory that
    /proc/PID/environ shows, and a process of root may read that one always."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    for name, value in list(os.environ.items()):
        if value and value in secrets:
            if address := libc.getenv(os.fsencode(name)):
                ctypes.memset(address, 0, len(os.fsencode(value)))
            del os.environ[name]


def make_private(folder: Path) -> None:
    """Take all rights of other users from the folder, and from what earlier releases left in it.

    What is deeper can't be reached then. A folder with the sticky bit, such as /tmp, belongs to
    all and stays as it is."""
    if folder.stat().st_mode & stat.S_ISVTX:
        return
    for path in (folder, *folder.iterdir()):
        if not path.is_symlink():
            _close_to_others(path)


def _close_to_others(path: Path) -> None:
    with suppress(OSError):  # another user's, just removed, or on a file system without rights
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~_PRIVATE:
            path.chmod(mode & _PRIVATE)
