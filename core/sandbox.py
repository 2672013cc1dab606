"""Take rights away from a process, or a thread, that reads strangers' files, by Landlock where the
kernel has it.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls, with these numbers on every architecture."""
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVILEGES = 38
_READ_FILE = 1 << 2
_READ = 0b1101
"""Read and execute files, and list folders."""
_ALL = 0xFFFF
_RIGHTS_OF_A_FILE = 0b111 | 0b11 << 14
"""Read, write, execute, truncate, ioctl."""
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc",
    "/opt",
    "/nix",
    "/proc",
    "/sys",
    "/run",
)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights to files each version of Landlock knows; later ones know 16."""
_NETWORK_RIGHTS = 0b11  # bind and connect by TCP, from version 4 on


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def allow_reading_only(files: Iterable[Path]) -> bool:
    """Let the calling thread open these files for reading and, from now on, no other file, and
    connect to nothing. Files that are open stay open. False where the kernel cannot do that."""
    return _restrict([(file, _READ_FILE) for file in files], _NETWORK_RIGHTS)


def confine(readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Let the calling thread, and all that it starts, use only files in these places and in those
    of the system and of Python. The network stays open. False where the kernel cannot do that.

    Call it before any other thread starts: those that run already keep their rights."""
    read = [(path, _READ) for path in (*_places_of_programs(), *readable)]
    write = [(path, _ALL) for path in (Path("/dev"), *writable)]
    return _restrict([(path, rights) for path, rights in (*read, *write) if path.exists()], 0)


def _places_of_programs() -> Iterator[Path]:
    """Yield where the system, Python and our own code lie; not the folder that holds our code, in
    which config.yaml may lie too."""
    yield from map(Path, _SYSTEM)
    yield from (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parent)
    ours = Path(__file__).resolve().parents[1]
    yield from (place for entry in sys.path if (place := Path(entry or ".").resolve()) != ours)
    programs = [*os.get_exec_path(), *os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)]
    yield from (Path(folder) for folder in programs if folder.startswith("/"))
    yield from (Path(os.environ[name]) for name in _CERTIFICATES if os.environ.get(name))


def _restrict(rights_by_path: Sequence[tuple[Path, int]], network_rights: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    if version < 1:
        return False
    known = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    rules = _Ruleset(known, network_rights)
    size = ctypes.sizeof(rules) if version >= 4 else ctypes.sizeof(ctypes.c_uint64)
    ruleset = _call(libc, _CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    try:
        for path, rights in rights_by_path:
            _allow(libc, ruleset, path, rights & known)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
        _call(libc, _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights if path.is_dir() else rights & _RIGHTS_OF_A_FILE, opened)
        _call(libc, _ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    result: int = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return result
